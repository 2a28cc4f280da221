import { afterAll, beforeAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import pg from "pg";
import { createDatabase } from "../../test/support/database.ts";
import { type ElementType, encodeArray } from "./binary-array.ts";

describe("encodeArray()", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createDatabase({ template: "prelude" });
    client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  /** What PostgreSQL reads from the bytes, as the text it prints. */
  const readBack = async (type: ElementType, bytes: Uint8Array, print = "value::text") => {
    const { rows } = await client.query(`select ${print} as value from unnest($1::${type}[]) with ordinality as given(value, ordinal) order by ordinal`, [
      Buffer.from(bytes),
    ]);
    return rows.map((row: { value: unknown }) => row.value);
  };

  it("sends any text without NUL, long, short, astral or empty, as it is", async () => {
    const text = fc.string({ unit: "binary", maxLength: 200 }).filter((value) => !value.includes("\0") && value.isWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text), { maxLength: 50 }), async (values) => {
        expect(await readBack("text", encodeArray("text", values))).toEqual(values);
      }),
      { numRuns: 100 },
    );
  });

  it("sends whole numbers up to 2^53 - 1 in both directions", async () => {
    const values = [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    expect(await readBack("int8", encodeArray("int8", values))).toEqual(values.map(String));
    expect(await readBack("int4", encodeArray("int4", [0, -1, 2 ** 31 - 1, undefined]))).toEqual(["0", "-1", "2147483647", null]);
  });

  it("sends times before and after 2000 to the millisecond", async () => {
    const times = ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2000-01-01T00:00:00.000Z", "2026-11-22T02:03:04.567Z", "9999-12-31T23:59:59.999Z"];
    const print = `to_char(value at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
    expect(await readBack("timestamptz", encodeArray("timestamptz", times.map((time) => Date.parse(time))), print)).toEqual(times);
  });

  it("sends uuids, addresses, JSON and bytes", async () => {
    const id = "0198f7a2-3c4d-7e5f-8a9b-0c1d2e3f4a5b";
    expect(await readBack("uuid", encodeArray("uuid", [id, null]))).toEqual([id, null]);
    const addresses = ["0.0.0.0", "203.0.113.7", "::", "::1", "2001:db8::8a2e:370:7334", "fe80::", "1:2:3:4:5:6:7:8"];
    expect(await readBack("inet", encodeArray("inet", addresses), "host(value)")).toEqual(addresses);
    expect(await readBack("jsonb", encodeArray("jsonb", ['{"ä": [1, 2.5]}', "null"]))).toEqual(['{"ä": [1, 2.5]}', "null"]);
    expect(await readBack("bytea", encodeArray("bytea", [Uint8Array.of(0, 255, 92)]), "encode(value, 'hex')")).toEqual(["00ff5c"]);
  });

  it("sends no element as an empty array", async () => {
    expect(await readBack("text", encodeArray("text", []))).toEqual([]);
  });

  it("is refused by the server when the type is another: text for int8", async () => {
    await expect(readBack("int8", encodeArray("text", ["1"]))).rejects.toThrow(/array element type 25/);
  });
});

import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { createParquetFile, parquetColumn } from "./parquet.ts";
import { createParquetFooter } from "./parquet-footer.ts";
import { jsonColumn, timeColumn } from "./parquet-events.ts";
import { snappyCompress } from "./snappy.ts";

type Row = { readonly name: string; readonly at: string; readonly json: string | undefined };

const columns = [
  parquetColumn<Row>("name", "STRING", ({ name }) => name, true),
  timeColumn<Row>("at", ({ at }) => at),
  jsonColumn<Row>("json", ({ json }) => json),
];

const groupOf = (place: number): readonly Row[] =>
  Array.from({ length: 3 }, (_, row) => ({
    name: `${"é".repeat(place % 90)}-${row}`,
    at: new Date(1.79e12 + place * 1000 + row).toISOString(),
    json: row === 1 ? undefined : JSON.stringify({ place, row }),
  }));

/** The file as the library writes it when one writer makes all groups. */
function inOneGo(groups: number): Buffer {
  const writer = new ByteWriter();
  const schema = [{ name: "event", num_children: columns.length }, ...columns.map(({ element }) => ({ ...element }))];
  const file = new ParquetWriter({
    writer,
    schema,
    compressors: { SNAPPY: snappyCompress },
    createdBy: "audit-events",
    kvMetadata: [{ key: "a", value: "b" }],
  });
  for (let place = 0; place < groups; place++) {
    const rows = groupOf(place);
    const columnData = columns.map(({ name, valueOf }) => ({ name, data: rows.map(valueOf), offsetIndex: false, statistics: name !== "json" }));
    file.write({ columnData, rowGroupSize: rows.length });
  }
  for (const element of schema) if ("logical_type" in element && element.logical_type?.type === "JSON") Object.assign(element, { converted_type: "JSON" });
  file.finish();
  return Buffer.from(writer.getBytes());
}

async function inGroups(groups: number): Promise<{ readonly file: Buffer; readonly largest: number }> {
  const pieces: Uint8Array[] = [];
  const file = createParquetFile(columns, (bytes) => void pieces.push(bytes));
  for (let place = 0; place < groups; place++) await file.writeGroup(groupOf(place));
  await file.finish({ a: "b" });
  return { file: Buffer.concat(pieces), largest: Math.max(...pieces.map(({ length }) => length)) };
}

describe("createParquetFile()", () => {
  // From the fifteenth element on a list's length takes another form.
  it.each([1, 2, 14, 15, 16, 127, 128, 1000])("writes the bytes that one writer of %i groups would have written", async (groups) => {
    expect((await inGroups(groups)).file.equals(inOneGo(groups))).toBe(true);
  });

  it("hands out the footer of many groups in pieces", async () => {
    const { file, largest } = await inGroups(1000);
    expect(file.readUInt32LE(file.length - 8)).toBeGreaterThan(150_000);
    expect(largest).toBeLessThan(70_000);
  });
});

describe("createParquetFooter()", () => {
  it("refuses files that are not as it needs them", async () => {
    const one = inOneGo(1);
    const none = inOneGo(0);
    const footer = createParquetFooter();
    expect(() => footer.addGroup(none)).toThrow("it has 0");
    expect(() => footer.addGroup(inOneGo(2))).toThrow("it has 2");
    expect(() => footer.completed(one)).toThrow("it has 1");
    const cut = Buffer.from(one.subarray(-12));
    cut.writeUInt32LE(4, 4);
    expect(() => footer.addGroup(cut)).toThrow("read footer");
  });
});

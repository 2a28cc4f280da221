import { describe, expect, it } from "vitest";
import { csvRecords } from "../../scripts/audit/import/csv.ts";
import { linesOf } from "../../scripts/audit/import/lines.ts";

/** The bytes of `text` in pieces of `size`. */
async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const text = 'a,b\r\n"x, ""y""","two\r\nlines"\n\nü,"€"\r,\n"",z';
const records = [
  { line: 1, cells: ["a", "b"], broken: false },
  { line: 2, cells: ['x, "y"', "two\r\nlines"], broken: false },
  { line: 5, cells: ["ü", "€"], broken: false },
  { line: 6, cells: ["", ""], broken: false },
  { line: 7, cells: ["", "z"], broken: false },
];

describe("csvRecords()", () => {
  it("reads the same wherever the bytes are cut", async () => {
    for (let size = 1; size <= text.length + 4; size++) expect(await all(csvRecords(cut(text, size))), `pieces of ${size}`).toEqual(records);
  });

  it.each([
    ['a"b,c\nd,e', [true, false]],
    ['"a"b,c\nd,e', [true, false]],
    ['a,b\n"c,d', [false, true]],
    ['a,"b""c"\nd,e', [false, false]],
  ])("tells broken quotation marks from good ones: %j", async (broken, expected) => {
    expect((await all(csvRecords(cut(broken, 3)))).map((record) => record.broken)).toEqual(expected);
  });

  it("does not take the rest of a file into a field that never ends", async () => {
    await expect(all(csvRecords(cut(`a,b\nc,"d\n${"e,f\n".repeat(500_000)}`, 65_536)))).rejects.toThrow(
      "line 2: a quotation mark opens a field that does not end",
    );
  });

  it("does not take a file that is no CSV into one field", async () => {
    await expect(all(csvRecords(cut(`a,b\n${"x".repeat(1_100_000)}`, 65_536)))).rejects.toThrow("line 2: a field has more than 1048576 characters");
  });

  it("refuses what is not UTF-8", async () => {
    const latin1 = async function* () {
      yield Uint8Array.of(0x61, 0xe4, 0x0a);
    };
    await expect(all(csvRecords(latin1()))).rejects.toThrow("it is not UTF-8");
  });
});

describe("linesOf()", () => {
  it("cuts at line feeds alone, wherever the bytes are cut, and passes over what is too long", async () => {
    const lines = `{"a":"\u2028"}\n\n${"x".repeat(30)}\nlast`;
    for (let size = 1; size < 50; size++) {
      const found = (await all(linesOf(cut(lines, size), 20))).map(({ number, bytes }) => [number, bytes && new TextDecoder().decode(bytes)]);
      expect(found).toEqual([[1, '{"a":"\u2028"}'], [2, ""], [3, undefined], [4, "last"]]);
    }
  });
});

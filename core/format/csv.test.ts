import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvHeader, csvRows, guardCell, unguardCell } from "./csv.ts";
import { eventColumns } from "./event-columns.ts";

const risky = fc.constantFrom(..."=+-@'\t\r\n \u00a0\u200b\ufeff\u3000\u2028＝＋a1\",;");
const text = fc.array(risky, { maxLength: 12 }).map((parts) => parts.join(""));

describe("guardCell()", () => {
  it.each([
    ["=1+1", "'=1+1"],
    [" =1", "' =1"],
    ["\u00a0@x", "'\u00a0@x"],
    ["a\n=1", "a\n'=1"],
    ["a\r\n\t-1", "a\r\n'\t-1"],
    ["'=1", "''=1"],
    ["＝1", "'＝1"],
    ["\rx", "'\rx"],
    ["a;=1;b", "a;'=1;b"],
    ["bot; +http://b", "bot;' +http://b"],
  ])(
    "puts an apostrophe before what would run: %j",
    (cell, guarded) => expect(guardCell(cell)).toBe(guarded),
  );

  it.each(["", "plain", "'quoted'", "a=b", "3-4", "x@y", "a; b;c", '{"=":1}'])("leaves what would not: %j", (cell) => expect(guardCell(cell)).toBe(cell));

  it("leaves no line that begins a formula, and can be taken off again", () => {
    fc.assert(
      fc.property(text, (cell) => {
        const guarded = guardCell(cell);
        for (const line of guarded.split(/\r\n|[\r\n;]/)) expect(line).not.toMatch(/^[\s\u200b\ufeff]*[=+\-@\t＝＋]/u);
        expect(guarded).not.toMatch(/^[\t\r]/);
        expect(unguardCell(guarded)).toBe(cell);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("csvRows()", () => {
  const event = {
    tenant_id: "t",
    occurred_at: "2026-01-01T00:00:00.000Z",
    id: "i",
    received_at: "r",
    principal: "key:a",
    event_type: "a.b",
    result: "success",
  } as const;

  it("quotes every field that is there, ends lines with CRLF and leaves absent fields empty", () => {
    const row = csvRows([{
      event: { ...event, message: 'say "hi",\nnow', context: { b: 1, a: ["=1"] }, duration_ms: 5 },
      leafHash: new Uint8Array([0, 255]),
      logIndex: undefined,
    }]);
    expect(row).toBe(
      `"t","2026-01-01T00:00:00.000Z","i","r","key:a",,,,"a.b",,,"success","say ""hi"",\nnow","5","{""a"":[""=1""],""b"":1}",,,,,,,"00ff",\r\n`,
    );
    expect(csvHeader().trimEnd().split(",")).toHaveLength(eventColumns.length + 2);
  });

  it("leaves in a context no cell of a table divided by semicolons that begins a formula, and no other value", () => {
    const context = { "k;@": "v;=1+1;", n: ["; -2", "; ＝3", "a;b"], negative: -1 };
    const [, cell = ""] = /"(\{.*\})"/.exec(csvRows([{ event: { ...event, context }, leafHash: new Uint8Array(), logIndex: 1 }])) ?? [];
    const json = cell.replaceAll('""', '"');
    expect(json.split(";").filter((part) => /^\s*[=+\-@＝]/u.test(part))).toEqual([]);
    expect(JSON.parse(json)).toEqual(context);
  });
});

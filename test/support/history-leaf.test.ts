import { describe, expect, it } from "vitest";
import { canonical, recomputeLeaf, recomputeLeafHash, type StoredRow } from "./history-leaf.ts";

const row: StoredRow = {
  tenant_id: "123e4567-e89b-12d3-a456-426614174000",
  occurred_at: "2026-11-22 02:03:04.5+00",
  id: "019ab1f2-7c3d-7000-8000-000000000001",
  seq: "7",
  received_at: "2026-11-22 02:03:05+00",
  principal: "secret:default",
  event_type: "order.created",
  result: "success",
  duration_ms: "12",
  context: '{"b": 1, "a": [true, null, "\\u00e9\\n"], "ß": 1.50, "\\ud83d\\ude00": 1e25}',
  ip_address: "::ffff:192.0.2.1/128",
  user_agent: null,
  leaf_hash: "\\x00",
};

describe("recomputeLeaf()", () => {
  it("writes version, times with milliseconds, numbers as ECMAScript and keys by UTF-16 code units", () => {
    expect(recomputeLeaf(row)).toBe(
      '{"context":{"a":[true,null,"é\\n"],"b":1,"ß":1.5,"😀":1e+25},"duration_ms":12,"event_type":"order.created",' +
        '"id":"019ab1f2-7c3d-7000-8000-000000000001","ip_address":"192.0.2.1","occurred_at":"2026-11-22T02:03:04.500Z",' +
        '"principal":"secret:default","received_at":"2026-11-22T02:03:05.000Z","result":"success",' +
        '"tenant_id":"123e4567-e89b-12d3-a456-426614174000","v":1}',
    );
  });

  it.each([
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::1.2.3.4", "::102:304"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["2001:DB8::/128", "2001:db8::"],
  ])("writes the stored address %s as RFC 5952 does: %s", (stored, text) => {
    expect(JSON.parse(recomputeLeaf({ ...row, ip_address: stored })).ip_address).toBe(text);
  });

  it("refuses a stored network and a stored microsecond, which no leaf can hold", () => {
    expect(() => recomputeLeaf({ ...row, ip_address: "10.0.0.0/8" })).toThrow("mask");
    expect(() => recomputeLeaf({ ...row, occurred_at: "2026-11-22 02:03:04.123456+00" })).toThrow("milliseconds");
  });
});

describe("recomputeLeafHash()", () => {
  it("changes with every column that is in the leaf, and with neither seq nor leaf_hash", () => {
    const before = recomputeLeafHash(row);
    for (const column of Object.keys(row)) {
      const after = recomputeLeafHash({
        ...row,
        [column]: column === "context" ? "{}" : column.endsWith("_at") ? "2026-01-01 00:00:00+00" : column === "ip_address" ? null : "9",
      });
      if (column === "seq" || column === "leaf_hash") expect(after).toBe(before);
      else expect(after, column).not.toBe(before);
    }
  });
});

describe("canonical()", () => {
  it("agrees with RFC 8785's own example of numbers, strings and literals", () => {
    const input = String
      .raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`;
    expect(canonical(JSON.parse(input))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it("writes minus zero as zero", () => {
    expect(canonical({ a: -0 })).toBe('{"a":0}');
  });
});

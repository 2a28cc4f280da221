import { describe, expect, it } from "vitest";
import { parseJson } from "./json.ts";

describe("parseJson()", () => {
  it("reads keys that are written with escapes as they are, whatever was read before them", () => {
    for (const [written, key] of [['"\\""', '"'], ['"\\n"', "\n"], ['"\\u0041"', "A"], ['"\\\\"', "\\"], ['"\\/"', "/"]] as const) {
      parseJson('{"h":[],"\\\\":0}');
      expect(Object.keys(parseJson(`{"h":1,${written} :2}`) as object), written).toEqual(["h", key]);
    }
  });

  it("looks at each character once, also where a value is nothing but escapes", () => {
    const timeOf = (count: number) => {
      const text = JSON.stringify({ a: "\n".repeat(count), b: '"'.repeat(count), "c\n": 1 });
      const startMs = performance.now();
      expect(Object.keys(parseJson(text) as object)).toEqual(["a", "b", "c\n"]);
      return performance.now() - startMs;
    };
    timeOf(1_000);
    // A pattern that backtracks takes minutes for this.
    expect(timeOf(200_000)).toBeLessThan(10_000);
  });

  it("refuses what is no JSON, with and without escapes in keys", () => {
    for (const text of ["", "{", '{"a\\n":1', '{"a\\n" 1}', '{"a\\n":1}x', '["\\"', '{"a":"\\']) expect(() => parseJson(text), text).toThrow(SyntaxError);
  });
});

import { describe, expect, it } from "vitest";
import { readContext } from "./context-rule.ts";
import type { Faults } from "./field-rules.ts";
import { limits } from "./limits.ts";

function read(value: unknown): { readonly json: string | undefined; readonly faults: readonly string[] } {
  const faults: Faults = [];
  const json = readContext(value, "/context", faults);
  return { json, faults: faults.map(({ code, pointer }) => `${code} ${pointer}`) };
}

/** An object that nests `levels` levels, lists and objects in turn. */
function nested(levels: number): unknown {
  return levels === 1 ? {} : levels % 2 === 0 ? { a: nested(levels - 1) } : { a: [1], b: nested(levels - 1) };
}

function lists(levels: number): unknown {
  return levels === 0 ? 1 : [lists(levels - 1)];
}

describe("readContext()", () => {
  it("gives the canonical JSON", () => {
    expect(read({ b: [1, null, { d: "é", c: -0 }], a: true }).json).toBe('{"a":true,"b":[1,null,{"c":0,"d":"é"}]}');
    expect(read({}).json).toBe("{}");
  });

  it("bounds the nesting of objects and lists: 32 levels pass, 33 do not", () => {
    expect(read(nested(limits.contextDepthMax)).faults).toEqual([]);
    expect(read(nested(limits.contextDepthMax + 1)).faults).toEqual(["too_deep /context"]);
    expect(read({ a: lists(limits.contextDepthMax - 1) }).faults).toEqual([]);
    expect(read({ a: lists(limits.contextDepthMax) }).faults).toEqual(["too_deep /context"]);
  });

  it("bounds the keys of each object: 256 pass, 257 do not", () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
    expect(read({ a: keys(limits.keysPerObjectMax) }).faults).toEqual([]);
    expect(read({ a: [keys(limits.keysPerObjectMax + 1)] }).faults).toEqual(["too_many_keys /context/a/0"]);
  });

  it("bounds the canonical JSON in bytes of UTF-8, quotes and escapes counted", () => {
    const fill = (character: string, bytes: number) => ({ a: character.repeat(Math.floor((limits.contextBytesMax - 8) / bytes)) });
    expect(read(fill("x", 1)).json).toHaveLength(limits.contextBytesMax);
    expect(read({ a: `${fill("x", 1).a}x` }).faults).toEqual(["too_long /context"]);
    for (const [character, bytes] of [["é", 2], ["€", 3], ["😀", 4], ["\u0001", 6], ['"', 2]] as const) {
      expect(read(fill(character, bytes)).faults).toEqual([]);
      expect(read({ a: fill(character, bytes).a + character.repeat(3) }).faults).toEqual(["too_long /context"]);
    }
  });

  it.each([0, -0, 1, -1, 0.1, 1e-30, -1e-30, 1.5e-30, 2 ** 53 - 1, -(2 ** 53) + 1, 123456.789])("takes the number %d", (number) => {
    expect(read({ a: number }).faults).toEqual([]);
  });

  it.each(["1e400", "-1e400", "9007199254740993", "9007199254740992", "-9007199254740992", "1e30", "1e131071", "5e-324", "9.99e-31"])(
    "refuses the number %s",
    (number) => {
      expect(read(JSON.parse(`{"a":[${number}]}`)).faults).toEqual(["number_out_of_range /context/a/0"]);
    },
  );

  it("refuses NUL and lone surrogates in values and in keys", () => {
    expect(read({ a: "\0", b: ["\ud800"], c: { d: "\udfff" } }).faults).toEqual([
      "nul_character /context/a",
      "lone_surrogate /context/b/0",
      "lone_surrogate /context/c/d",
    ]);
    expect(read({ "\0": 1, a: { "\ud800": 1 } }).faults).toEqual(["nul_character /context", "lone_surrogate /context/a"]);
    expect(read({ a: "😀", "😀": 1 }).faults).toEqual([]);
  });

  it("writes pointers as RFC 6901 says, up to a key too long to repeat", () => {
    expect(read({ "a/b~c": { "": "\0" } }).faults).toEqual(["nul_character /context/a~1b~0c/"]);
    expect(read({ a: { ["k".repeat(limits.pointerKeyLengthMax + 1)]: { b: "\0" } } }).faults).toEqual(["nul_character /context/a"]);
  });

  it("stops telling faults at faultsPerEventMax", () => {
    expect(read({ a: Array.from({ length: 5000 }, () => "\0") }).faults).toHaveLength(limits.faultsPerEventMax);
  });
});

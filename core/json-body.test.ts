import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AuditError } from "./errors.ts";
import { parseJson, requireJson } from "./json-body.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The code of what `work` throws. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return error.code;
  }
}

describe("requireJson()", () => {
  it.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/json; profile=x; charset=utf8",
  ])("takes %s", (type) => {
    expect(codeOf(() => requireJson(type))).toBeUndefined();
  });

  it.each([
    null,
    "",
    "text/plain",
    "text/json",
    "application/jsonx",
    "application/x-ndjson",
    "application/vnd.api+json",
    "application/json; charset=iso-8859-1",
    "application/json; charset=utf-16",
  ])(
    "refuses %j",
    (type) => {
      expect(codeOf(() => requireJson(type))).toBe("unsupported_media_type");
    },
  );
});

describe("parseJson()", () => {
  it("parses UTF-8, with a byte-order mark or without", () => {
    expect(parseJson(bytesOf('{"a":"é😀"}'), 1)).toEqual({ a: "é😀" });
    expect(parseJson(Uint8Array.of(0xef, 0xbb, 0xbf, ...bytesOf("[1]")), 1)).toEqual([1]);
  });

  it("takes U+FFFD, which stands for what is no UTF-8, where it was sent as itself, and there alone", () => {
    expect(parseJson(bytesOf('["\ufffd"]'), 1)).toEqual(["\ufffd"]);
    expect(codeOf(() => parseJson(Uint8Array.of(...bytesOf('["\ufffd'), 0x80, ...bytesOf('"]')), 1))).toBe("invalid_utf8");
  });

  it.each([
    ["a stray continuation byte", [0x22, 0x80, 0x22]],
    ["a truncated character", [0x22, 0xe2, 0x82, 0x22]],
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["a surrogate in UTF-8", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a character past U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["UTF-16 with its mark", [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])("refuses %s", (_what, bytes) => {
    expect(codeOf(() => parseJson(Uint8Array.from(bytes), 1))).toBe("invalid_utf8");
  });

  it.each(["", "   \n", "{", '{"a":}', "{'a':1}", "[1,]", "NaN", "{} {}", "undefined", '"\u0001"', "// x\n{}"])("refuses %j, which is not JSON", (text) => {
    expect(codeOf(() => parseJson(bytesOf(text), 5))).toBe("malformed_json");
  });

  it("repeats nothing of the body in its message", () => {
    expect(() => parseJson(bytesOf('{"password": S3CRET}'), 5)).toThrow(/^parse body: it is not JSON$/);
  });

  it("counts brackets outside strings only", () => {
    expect(parseJson(bytesOf(String.raw`{"[[[[":"\"[[{{","]":"\\","a":["\\\"[["]}`), 2)).toEqual({ "[[[[": '"[[{{', "]": "\\", a: ['\\"[['] });
  });

  it.each([[1, "[[]]"], [2, '{"a":[{}]}'], [64, "[".repeat(1_000_000)], [64, '{"a":'.repeat(100_000)]])(
    "refuses deeper than %i levels before it parses",
    (max, text) => {
      expect(codeOf(() => parseJson(bytesOf(text), max))).toBe("body_too_deep");
    },
  );

  it("agrees with a count of the parsed value about how deep it nests", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const [depth, text] = [depthOf(value), JSON.stringify(value)];
        expect(codeOf(() => parseJson(bytesOf(text), depth))).toBeUndefined();
        if (depth > 0) expect(codeOf(() => parseJson(bytesOf(text), depth - 1))).toBe("body_too_deep");
      }),
      { numRuns: 1000 },
    );
  });

  it("survives any bytes", () => {
    fc.assert(fc.property(fc.uint8Array(), fc.constantFrom('"', '"\\', "[[", "}{"), (bytes, start) => {
      expect(["invalid_utf8", "malformed_json", "body_too_deep", undefined]).toContain(codeOf(() => parseJson(Uint8Array.of(...bytesOf(start), ...bytes), 3)));
    }));
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

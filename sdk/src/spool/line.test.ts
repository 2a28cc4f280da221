import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { acknowledgementLine, eventLine, parseSegment } from "./line.ts";

function bytes(...lines: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(lines.flatMap((line) => [...line]));
}

const json = (number: number) => JSON.stringify({ number, text: "ü\n😀" });

describe("eventLine()", () => {
  it("is a CRC-32 in hexadecimal and what it covers, on one line", () => {
    const text = new TextDecoder().decode(eventLine(7, json(7)));
    expect(text).toMatch(/^[0-9a-f]{8} e 7 \{.*\}\n$/);
    expect(text.slice(0, 8)).toBe(crc32(text.slice(9, -1)).toString(16).padStart(8, "0"));
    expect(text.indexOf("\n")).toBe(text.length - 1);
  });
});

describe("parseSegment()", () => {
  const whole = bytes(eventLine(1, json(1)), eventLine(2, json(2)), eventLine(3, json(3)), acknowledgementLine([3, 1]));

  it("gives back what is not acknowledged", () => {
    expect(parseSegment(whole)).toMatchObject({
      events: new Map([[2, json(2)]]),
      written: 3,
      acknowledged: 2,
      nextNumber: 4,
      wholeBytes: whole.length,
      corrupt: 0,
    });
  });

  it("writes an acknowledged batch as one range", () => {
    expect(new TextDecoder().decode(acknowledgementLine([5, 3, 4, 9]))).toMatch(/^\S{8} a 3-5,9-9\n$/);
  });

  it("ends at the last whole line, wherever the tail was torn", () => {
    const ends = [0, ...[...whole].flatMap((byte, index) => byte === 10 ? [index + 1] : [])];
    for (let length = 0; length <= whole.length; length++) {
      const content = parseSegment(whole.subarray(0, length));
      expect(content.wholeBytes).toBe(Math.max(...ends.filter((end) => end <= length)));
      expect(content.corrupt).toBe(0);
    }
  });

  it("counts a line of which one bit turned, and keeps the others", () => {
    const second = eventLine(1, json(1)).length;
    for (let offset = 0; offset < eventLine(2, json(2)).length - 1; offset++) {
      const turned = Uint8Array.from(whole);
      turned[second + offset] = (turned[second + offset] ?? 0) ^ 1;
      const content = parseSegment(turned);
      expect(content.events.has(2)).toBe(false);
      expect(content.written).toBe(2);
      expect(content.corrupt).toBeGreaterThan(0);
    }
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AuditError } from "../errors.ts";
import { hmacSha256, sha256 } from "../../adapters/sha256.ts";
import { bindingOf, createCursorCodec } from "./cursor.ts";

const now = new Date("2026-01-01T00:00:00Z");
const codec = createCursorCodec(hmacSha256("a key of more than thirty-two characters"));
const cursor = {
  binding: "b",
  from: "2026-01-01T00:00:00.000Z",
  to: "2026-01-02T00:00:00.000Z",
  order: "desc",
  position: { occurredAt: "2026-01-01T12:00:00.000Z", id: "00000000-0000-4000-8000-000000000001" },
  sliceMs: 1000,
  skip: 5,
  receivedMax: "2026-01-01T12:00:30.000Z",
} as const;
const refusal = (text: string, binding = "b", at = now): unknown => {
  try {
    return void codec.read(text, binding, at);
  } catch (error) {
    return error instanceof AuditError ? error.code : error;
  }
};

describe("createCursorCodec()", () => {
  it("reads back what it wrote, without the time it ends at", () => {
    expect(codec.read(codec.write(cursor, now), "b", now)).toEqual(cursor);
  });

  it("writes what fits into a URL", () => {
    expect(codec.write(cursor, now)).toMatch(/^[A-Za-z0-9_-]{40,1000}$/);
  });

  it("refuses another binding, another key and a day's end", () => {
    const text = codec.write(cursor, now);
    expect(refusal(text, "c")).toBe("invalid_cursor");
    expect(refusal(text, "b", new Date(now.getTime() + 24 * 3_600_000))).toBeUndefined();
    expect(refusal(text, "b", new Date(now.getTime() + 24 * 3_600_000 + 1))).toBe("invalid_cursor");
    expect(refusal(createCursorCodec(hmacSha256("another key of more than thirty-two characters")).write(cursor, now))).toBe("invalid_cursor");
  });

  it("refuses ten thousand cursors that were altered, cut, lengthened or made up", () => {
    const text = codec.write(cursor, now);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const changed = fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...alphabet)).map(([place, letter]) =>
      text.slice(0, place) + letter + text.slice(place + 1)
    );
    const cut = fc.tuple(fc.nat(text.length), fc.nat(text.length)).map(([a, b]) => text.slice(Math.min(a, b), Math.max(a, b)));
    const longer = fc.string({ maxLength: 20 }).map((tail) => text + tail);
    const madeUp = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 600 });
    fc.assert(
      fc.property(fc.oneof(changed, cut, longer, madeUp, fc.string()), (other) => {
        if (other !== text) expect(refusal(other)).toBe("invalid_cursor");
      }),
      { numRuns: 10_000 },
    );
  });
});

describe("bindingOf()", () => {
  it("is one for a text, and another for another", () => {
    expect(bindingOf("a", sha256)).toBe(bindingOf("a", sha256));
    expect(bindingOf("a", sha256)).not.toBe(bindingOf("b", sha256));
    expect(bindingOf("a", sha256)).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

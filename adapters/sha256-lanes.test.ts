import { describe, expect, it } from "vitest";
import { joinWith } from "../core/format/merkle.ts";
import { sha256 as native } from "./sha256.ts";
import { joinPairs, sha256Lanes } from "./sha256-lanes.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
/** Bytes that differ everywhere, the same in every run. */
const sample = (length: number, seed = length) => Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8) * 31 + seed) & 0xff);

function hashed(messages: readonly Uint8Array[]): string[] {
  for (const [slot, message] of messages.entries()) {
    sha256Lanes.bytes.set(message, sha256Lanes.next(message.length));
    sha256Lanes.add(message.length, slot);
  }
  const digests = sha256Lanes.digests(messages.length);
  return messages.map((_, slot) => hex(digests.subarray(slot * 32, (slot + 1) * 32)));
}

describe("sha256Lanes", () => {
  it("gives what the native hash gives, whatever lengths share a batch", () => {
    for (let first = 0; first < 700; first += 350) {
      const messages = Array.from({ length: 350 }, (_, i) => sample(first + i));
      expect(hashed(messages)).toEqual(messages.map((message) => hex(native(message))));
    }
  });

  it("hashes one, two and three of a length as it hashes four, and nothing of a batch before", () => {
    for (const count of [1, 2, 3, 4, 5, 6, 7]) {
      const messages = Array.from({ length: count }, (_, i) => sample(600, i));
      expect(hashed(messages)).toEqual(messages.map((message) => hex(native(message))));
    }
  });

  it("hashes messages that do not fit its memory together", () => {
    const messages = Array.from({ length: 80 }, (_, i) => sample(60_000 + i, i));
    expect(hashed(messages)).toEqual(messages.map((message) => hex(native(message))));
  });
});

describe("joinPairs()", () => {
  it.each([0, 1, 3, 511, 512, 513, 1100])("joins %i pairs as one by one", (count) => {
    const pairs = sample(count * 64, count);
    expect(hex(joinPairs(pairs))).toBe(hex(joinWith(native)(pairs)));
  });
});

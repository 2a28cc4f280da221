import fc from "fast-check";
import { snappyUncompress } from "hyparquet/src/snappy.js";
import { describe, expect, it } from "vitest";
import { snappyCompress } from "./snappy.ts";

function backFrom(input: Uint8Array): Uint8Array {
  const compressed = snappyCompress(input).slice();
  const back = new Uint8Array(input.length);
  if (input.length > 0) snappyUncompress(compressed, back);
  return back;
}

const text = (length: number) =>
  new TextEncoder().encode(Array.from({ length }, (_, index) => `${index % 977},"order ${index % 13}"`).join("")).slice(0, length);
const random = (length: number) => Uint8Array.from({ length }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 13);

describe("snappyCompress()", () => {
  it.each([0, 1, 3, 4, 5, 60, 61, 63, 64, 65, 67, 68, 69, 256, 257, 65_535, 65_536, 65_537, 200_000])(
    "gives back %i bytes of one value, of text, of noise",
    (length) => {
      for (const input of [new Uint8Array(length), text(length), random(length)]) expect(Buffer.compare(backFrom(input), input)).toBe(0);
    },
  );

  it("gives back what repeats at any distance", () => {
    const piece = random(40);
    for (const distance of [40, 2047, 2048, 65_535, 65_536, 131_072]) {
      const input = new Uint8Array(distance + piece.length + 3);
      input.set(random(distance).map((byte) => byte ^ 0x55));
      input.set(piece);
      input.set(piece, distance);
      expect(Buffer.compare(backFrom(input), input), `${distance}`).toBe(0);
    }
  });

  it("gives back any pieces in any order", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 90 }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(pieces, fc.array(fc.nat(3), { maxLength: 60 }), (some, order) => {
      const input = Uint8Array.from(order.flatMap((place) => Array.from(some[place % some.length] as Uint8Array)));
      expect(Buffer.compare(backFrom(input), input)).toBe(0);
    }));
  });

  it("makes text less than half, and noise hardly longer", () => {
    expect(snappyCompress(text(100_000)).length).toBeLessThan(45_000);
    expect(snappyCompress(random(100_000)).length).toBeLessThan(100_010);
  });
});

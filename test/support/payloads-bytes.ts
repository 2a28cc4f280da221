import fc from "fast-check";

/** Bodies made of a valid one by what breaks on a wire or in a bad client: flipped bits, cut, doubled, swapped and foreign bytes. */
export function mutatedBodies(seeds: readonly string[]): fc.Arbitrary<Uint8Array> {
  const step = fc.record({
    kind: fc.constantFrom(...kinds),
    place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    value: fc.nat(255),
    length: fc.integer({ min: 1, max: 64 }),
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(step, { minLength: 1, maxLength: 2 })).map(([seed, steps]) => {
    let bytes: Uint8Array = Buffer.from(seed);
    for (const { kind, place, value, length } of steps) bytes = mutate(bytes, kind, Math.floor(place * (bytes.length + 1)), value, length);
    return Uint8Array.from(bytes);
  });
}

const kinds = ["flip", "set", "insert", "remove", "double", "cut", "token"] as const;
const tokens = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "\\",
  "\\u0000",
  "\\ud800",
  "1e400",
  "-",
  "null",
  "NaN",
  "__proto__",
  "\0",
  "\ufeff",
  "//",
  "\u2028",
  "9007199254740993",
];

function mutate(bytes: Uint8Array, kind: (typeof kinds)[number], at: number, value: number, length: number): Uint8Array {
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case "flip":
      return Buffer.concat([head, Uint8Array.of((tail[0] ?? 0) ^ (1 << (value % 8))), tail.subarray(1)]);
    case "set":
      return Buffer.concat([head, Uint8Array.of(value), tail.subarray(1)]);
    case "insert":
      return Buffer.concat([head, Uint8Array.of(value), tail]);
    case "remove":
      return Buffer.concat([head, tail.subarray(length)]);
    case "double":
      return Buffer.concat([head, tail.subarray(0, length), tail]);
    case "cut":
      return value < 200 ? Buffer.concat([head, tail]) : Buffer.from(head);
    case "token":
      return Buffer.concat([head, Buffer.from(tokens[value % tokens.length] ?? ""), tail]);
  }
}

/** A stream of numbers in [0, 1) that a seed repeats exactly: mulberry32. Not for secrets. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of a randomised test: AUDIT_TEST_SEED where it is set, else a fresh one. Always printed, so that a failing run can be repeated. */
export function seedFor(name: string): number {
  const given = process.env["AUDIT_TEST_SEED"];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error("read AUDIT_TEST_SEED: not a whole number");
  process.stdout.write(`seed of ${name}: AUDIT_TEST_SEED=${seed}\n`);
  return seed;
}

/** Any synchronous SHA-256; Node's native one is faster than the one below, and may be passed wherever this type stands. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

const { round: roundConstants, initial: initialState } = constants();

const schedule = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(128);

/** SHA-256, FIPS 180-4, in plain JavaScript: browsers have no synchronous one of their own. About 1 µs for an inner node of a tree. */
export function sha256(bytes: Uint8Array): Uint8Array {
  state.set(initialState);
  const whole = bytes.length - bytes.length % 64;
  for (let at = 0; at < whole; at += 64) compress(bytes, at);
  const rest = bytes.length - whole;
  tail.fill(0);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  const padded = rest < 56 ? 64 : 128;
  const view = new DataView(tail.buffer);
  view.setUint32(padded - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded - 4, (bytes.length * 8) >>> 0);
  for (let at = 0; at < padded; at += 64) compress(tail, at);
  const digest = new Uint8Array(32);
  for (let i = 0; i < 8; i++) {
    const word = state[i] as number;
    digest[4 * i] = word >>> 24;
    digest[4 * i + 1] = word >>> 16;
    digest[4 * i + 2] = word >>> 8;
    digest[4 * i + 3] = word;
  }
  return digest;
}

/** One block of 64 bytes, FIPS 180-4 section 6.2.2. */
function compress(bytes: Uint8Array, at: number): void {
  const w = schedule;
  for (let t = 0; t < 16; t++, at += 4) {
    w[t] = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  }
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const small0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ (x >>> 3);
    const small1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ (y >>> 10);
    w[t] = (small0 + (w[t - 16] as number) + small1 + (w[t - 7] as number)) | 0;
  }
  let a = state[0] as number, b = state[1] as number, c = state[2] as number, d = state[3] as number;
  let e = state[4] as number, f = state[5] as number, g = state[6] as number, h = state[7] as number;
  for (let t = 0; t < 64; t++) {
    const big1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const one = (h + big1 + ((e & f) ^ (~e & g)) + (roundConstants[t] as number) + (w[t] as number)) | 0;
    const big0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const two = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}

/**
 * FIPS 180-4 sections 4.2.2 and 5.3.3: the first 32 bits of the fractions of the primes' cube and square roots. Computed, so that a wrong digit
 * cannot hide in a table; with integers, because a double's 53 bits are not a proof.
 */
function constants(): { readonly round: Int32Array; readonly initial: Int32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (prime: number, power: number) => Number(BigInt.asIntN(32, rootOf(BigInt(prime) << BigInt(32 * power), BigInt(power))));
  return {
    round: Int32Array.from(primes, (prime) => fraction(prime, 3)),
    initial: Int32Array.from(primes.slice(0, 8), (prime) => fraction(prime, 2)),
  };
}

/** The whole part of the `power`-th root of `n`. */
function rootOf(n: bigint, power: bigint): bigint {
  let low = 0n;
  let high = 1n << 64n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** power <= n) low = middle;
    else high = middle;
  }
  return low;
}

import { hex } from "./uuid7.ts";

/** The first 32 bits of the fractional part of `prime` to a power: FIPS 180-4 sections 4.2.2 and 5.3.3. */
function fraction(prime: number, power: number): number {
  return prime ** power % 1 * 2 ** 32 | 0;
}

function rotate(word: number, bits: number): number {
  return word >>> bits | word << 32 - bits;
}

/**
 * SHA-256 (FIPS 180-4) of short text, in hexadecimal. WebCrypto's is only asynchronous, and this is needed in the middle of a call that returns at once;
 * the verifier's is fast and three times as long. No secret is ever hashed with it.
 */
export function sha256Hex(text: string): string {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < 64; candidate++) if (primes.every((prime) => candidate % prime)) primes.push(candidate);
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array((bytes.length + 72 >> 6) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  let hash = primes.slice(0, 8).map((prime) => fraction(prime, 1 / 2));
  for (let block = 0; block < padded.length; block += 64) {
    const words: number[] = [];
    let state = hash;
    primes.forEach((prime, t) => {
      const [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
      const [w15, w2] = [words[t - 15] as number, words[t - 2] as number];
      const word = words[t] = t < 16
        ? view.getInt32(block + t * 4)
        : (words[t - 16] as number) + (rotate(w15, 7) ^ rotate(w15, 18) ^ w15 >>> 3) + (words[t - 7] as number) +
            (rotate(w2, 17) ^ rotate(w2, 19) ^ w2 >>> 10) | 0;
      const t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (e & f ^ ~e & g) + fraction(prime, 1 / 3) + word;
      state = [t1 + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (a & b ^ a & c ^ b & c) | 0, a, b, c, d + t1 | 0, e, f, g];
    });
    hash = hash.map((word, index) => word + (state[index] as number) | 0);
  }
  return hash.map((word) => hex(word >>> 0, 8)).join("");
}

/** The first 32 bits of the fractional parts of `power`-th roots of the first primes: FIPS 180-4 sections 4.2.2 and 5.3.3. */
function rootsOfPrimes(count: number, power: number): Uint32Array {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) {
      primes.push(candidate);
    }
  }
  return Uint32Array.from(primes, (prime) => (prime ** power % 1) * 2 ** 32);
}

let constants:
  | { readonly start: Uint32Array; readonly rounds: Uint32Array }
  | undefined;

/**
 * SHA-256 (FIPS 180-4) without waiting: WebCrypto's is only asynchronous, and a fingerprint is needed in the middle of a call that returns at once.
 * For short input; no secret is ever hashed with it.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const { start, rounds } = constants ??= {
    start: rootsOfPrimes(8, 1 / 2),
    rounds: rootsOfPrimes(64, 1 / 3),
  };
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const hash = Uint32Array.from(start);
  for (let offset = 0; offset < padded.length; offset += 64) {
    compress(hash, view, offset, rounds);
  }
  const out = new Uint8Array(32);
  hash.forEach((word, index) => new DataView(out.buffer).setUint32(index * 4, word));
  return out;
}

function compress(hash: Uint32Array, block: DataView, offset: number, rounds: Uint32Array): void {
  const words = new Uint32Array(64);
  const at = (index: number) => words[index] as number;
  for (let t = 0; t < 64; t++) {
    words[t] = t < 16 ? block.getUint32(offset + t * 4) : at(t - 16) +
      (rotate(at(t - 15), 7) ^ rotate(at(t - 15), 18) ^ at(t - 15) >>> 3) +
      at(t - 7) +
      (rotate(at(t - 2), 17) ^ rotate(at(t - 2), 19) ^ at(t - 2) >>> 10);
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
      (e & f ^ ~e & g) + (rounds[t] as number) + at(t);
    const t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
      (a & b ^ a & c ^ b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, d + t1 | 0, c, b, a, t1 + t2 | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => hash[index] = (hash[index] as number) + word);
}

function rotate(word: number, bits: number): number {
  return word >>> bits | word << 32 - bits;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

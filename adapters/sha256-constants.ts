/** FIPS 180-4 sections 4.2.2 and 5.3.3: the first 32 bits of the fractions of the cube and square roots of primes, computed in whole numbers. */
export function constants(): { readonly round: readonly number[]; readonly initial: readonly number[] } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (prime: number, power: number) => Number(BigInt.asIntN(32, root(BigInt(prime) << BigInt(32 * power), power)));
  return { round: primes.map((prime) => fraction(prime, 3)), initial: primes.slice(0, 8).map((prime) => fraction(prime, 2)) };
}

/** The whole part of the `power`-th root of `n`, bit by bit from above. */
function root(n: bigint, power: number): bigint {
  let found = 0n;
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) if ((found + bit) ** BigInt(power) <= n) found += bit;
  return found;
}

import type { Sha256 } from "../core/ports.ts";
import { sha256 as native } from "./sha256.ts";

/**
 * SHA-256, FIPS 180-4, as a WebAssembly module that is written here, instruction by instruction, when the process starts. Deno's native hash makes a
 * resource, a buffer and work for the garbage collector a call: for what a log hashes, hundreds of bytes at a time, this takes a fifth of it. What is
 * longer than `messageMax`, as a file of the archive, goes to the native one, which does four times as much a second once it has begun.
 * What it gives is compared with the native one in its test. One message is hashed at a time, and never across an await.
 */
export const sha256: Sha256 = (bytes) => {
  if (bytes.length > messageMax) return native(bytes);
  const end = messageAt + bytes.length;
  const padded = messageAt + (Math.floor((bytes.length + 8) / 64) + 1) * 64;
  memory.set(bytes, messageAt);
  memory.fill(0, end, padded);
  memory[end] = 0x80;
  // 64 bits, of which so short a message needs the lower 32.
  view.setUint32(padded - 4, bytes.length * 8);
  hash(messageAt, padded);
  return memory.slice(digestAt, messageAt);
};

/** Far below the one page of 64 KiB that the module has. */
const messageMax = 2_048;
const digestAt = 0;
const messageAt = 32;

const opcode = { loop: 0x03, brIf: 0x0d, get: 0x20, set: 0x21, tee: 0x22, load: 0x28, store: 0x36, const: 0x41 } as const;
const operation = { lessUnsigned: 0x49, add: 0x6a, and: 0x71, or: 0x72, xor: 0x73, rotl: 0x77, rotr: 0x78, shr: 0x76 } as const;
const i32 = 0x7f;

/** A piece of code: bytes that leave one value on the stack. */
type Code = readonly number[];

const local = (index: number): Code => [opcode.get, ...unsigned(index)];
const assign = (index: number, value: Code): Code => [...value, opcode.set, ...unsigned(index)];
const constant = (value: number): Code => [opcode.const, ...signed(value | 0)];
const binary = (code: number) => (first: Code, ...rest: readonly Code[]): Code => rest.reduce((all, next) => [...all, ...next, code], first);
const add = binary(operation.add);
const and = binary(operation.and);
const or = binary(operation.or);
const xor = binary(operation.xor);
const rotr = (value: Code, bits: number): Code => [...value, ...constant(bits), operation.rotr];
const rotl = (value: Code, bits: number): Code => [...value, ...constant(bits), operation.rotl];
const shr = (value: Code, bits: number): Code => [...value, ...constant(bits), operation.shr];
/** WebAssembly is little-endian, SHA-256 big-endian. */
const swapped = (value: Code): Code => or(and(rotl(value, 8), constant(0x00ff00ff)), and(rotr(value, 8), constant(0xff00ff00)));

// Locals of the function: two parameters, the hash so far, the working variables, the last 16 words of the schedule, and one word of its own.
const at = 0;
const end = 1;
const state = (i: number): number => 2 + i;
const working = (i: number): number => 10 + i;
const word = (i: number): number => 18 + i % 16;
const temporary = 34;
const ownLocals = 33;

const { hash, memory: linear } = instantiate();
const memory = new Uint8Array(linear.buffer);
const view = new DataView(linear.buffer);

function instantiate(): { readonly hash: (at: number, end: number) => void; readonly memory: { readonly buffer: ArrayBuffer } } {
  const body = hashFunction();
  const sections = [
    section(1, [1, 0x60, 2, i32, i32, 0]),
    section(3, [1, 0]),
    section(5, [1, 0, 1]),
    section(7, [2, ...name("hash"), 0, 0, ...name("memory"), 2, 0]),
    section(10, [1, ...unsigned(body.length), ...body]),
  ];
  const bytes = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as ReturnType<typeof instantiate>;
}

/** `hash(at, end)`: the digest of the padded blocks from `at` to `end`, written to `digestAt`. */
function hashFunction(): number[] {
  const { round, initial } = constants();
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  return [
    ...[1, ownLocals, i32],
    ...eight.flatMap((i) => assign(state(i), constant(initial[i] as number))),
    ...[opcode.loop, 0x40],
    ...eight.flatMap((i) => assign(working(i), local(state(i)))),
    ...Array.from({ length: 64 }, (_, t) => roundOf(t, round[t] as number)).flat(),
    ...eight.flatMap((i) => assign(state(i), add(local(state(i)), local(working(i))))),
    ...[...add(local(at), constant(64)), opcode.tee, at, ...local(end), operation.lessUnsigned, opcode.brIf, 0, 0x0b],
    ...eight.flatMap((i) => [...constant(digestAt + 4 * i), ...swapped(local(state(i))), opcode.store, 2, 0]),
    0x0b,
  ];
}

/** Round `t`, FIPS 180-4 section 6.2.2. Instead of moving a to b, b to c, …, each round names the variables anew. */
function roundOf(t: number, roundConstant: number): Code {
  const [a, b, c, d, e, f, g, h] = Array.from({ length: 8 }, (_, i) => working((i - t % 8 + 8) % 8)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const big1 = xor(rotr(local(e), 6), rotr(local(e), 11), rotr(local(e), 25));
  const choice = xor(local(g), and(local(e), xor(local(f), local(g))));
  const big0 = xor(rotr(local(a), 2), rotr(local(a), 13), rotr(local(a), 22));
  const majority = or(and(local(a), local(b)), and(local(c), or(local(a), local(b))));
  return [
    ...assign(word(t), t < 16 ? swapped([...local(at), opcode.load, 2, 4 * t]) : scheduled(t)),
    ...assign(temporary, add(local(h), big1, choice, constant(roundConstant), local(word(t)))),
    ...assign(d, add(local(d), local(temporary))),
    ...assign(h, add(local(temporary), big0, majority)),
  ];
}

function scheduled(t: number): Code {
  const x = local(word(t + 1));
  const y = local(word(t + 14));
  const small0 = xor(rotr(x, 7), rotr(x, 18), shr(x, 3));
  const small1 = xor(rotr(y, 17), rotr(y, 19), shr(y, 10));
  return add(local(word(t)), small0, local(word(t + 9)), small1);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

/** LEB128, as WebAssembly writes numbers. */
function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...unsigned(value >>> 7)] : [low];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

/** FIPS 180-4 sections 4.2.2 and 5.3.3: the first 32 bits of the fractions of the cube and square roots of primes, computed in whole numbers. */
function constants(): { readonly round: readonly number[]; readonly initial: readonly number[] } {
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

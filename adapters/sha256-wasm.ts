import type { Sha256 } from "../core/ports.ts";
import { sha256 as native } from "./sha256.ts";
import { constants } from "./sha256-constants.ts";
import { assign, binary, type Code, constant, i32, instantiate, local, loopWhile } from "./wasm-code.ts";

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

const add = binary(0x6a);
const and = binary(0x71);
const or = binary(0x72);
const xor = binary(0x73);
const shr = (value: Code, bits: number): Code => [...value, ...constant(bits), 0x76];
const rotl = (value: Code, bits: number): Code => [...value, ...constant(bits), 0x77];
const rotr = (value: Code, bits: number): Code => [...value, ...constant(bits), 0x78];
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

type Hash = (at: number, end: number) => void;
const { run: hash, memory: linear } = instantiate<Hash>({ name: "hash", parameters: 2, locals: [[ownLocals, i32]], code: hashFunction() }, 1);
const memory = new Uint8Array(linear.buffer);
const view = new DataView(linear.buffer);

/** `hash(at, end)`: the digest of the padded blocks from `at` to `end`, written to `digestAt`. */
function hashFunction(): Code {
  const { round, initial } = constants();
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  const body = [
    ...eight.flatMap((i) => assign(working(i), local(state(i)))),
    ...Array.from({ length: 64 }, (_, t) => roundOf(t, round[t] as number)).flat(),
    ...eight.flatMap((i) => assign(state(i), add(local(state(i)), local(working(i))))),
    ...assign(at, add(local(at), constant(64))),
  ];
  return [
    ...eight.flatMap((i) => assign(state(i), constant(initial[i] as number))),
    ...loopWhile(body, [...local(at), ...local(end), 0x49]),
    ...eight.flatMap((i) => [...constant(digestAt + 4 * i), ...swapped(local(state(i))), 0x36, 2, 0]),
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
    ...assign(word(t), t < 16 ? swapped([...local(at), 0x28, 2, 4 * t]) : scheduled(t)),
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

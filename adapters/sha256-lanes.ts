import type { JoinPairs } from "../core/format/merkle.ts";
import { constants } from "./sha256-constants.ts";
import { assign, binary, type Code, constant, instantiate, local, loopWhile, unsigned, v128 } from "./wasm-code.ts";

const lanes = 4;

const simd = (code: number): Code => [0xfd, ...unsigned(code)];
const add = binary(...simd(0xae));
const and = binary(...simd(0x4e));
const or = binary(...simd(0x50));
const xor = binary(...simd(0x51));
const shl = (value: Code, bits: number): Code => [...value, ...constant(bits), ...simd(0xab)];
const shr = (value: Code, bits: number): Code => [...value, ...constant(bits), ...simd(0xad)];
const rotr = (value: Code, bits: number): Code => or(shr(value, bits), shl(value, 32 - bits));
const select = (one: Code, other: Code, mask: Code): Code => [...one, ...other, ...mask, ...simd(0x52)];
/** The same number in all four lanes. */
const splat = (value: number): Code => [...constant(value), ...simd(0x11)];
const shuffle = (first: Code, second: Code, order: readonly number[]): Code => [...first, ...second, ...simd(0x0d), ...order];
const words = (...order: readonly number[]): number[] => order.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));
const bigEndian = (value: Code): Code => shuffle(value, value, [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);

// Parameters: where each message is, where each digest goes, how many blocks they have. Then the offset; then vectors: the hashes so far, the working
// variables, the last 16 words of the schedule, and four of its own.
const message = (lane: number): number => lane;
const digest = (lane: number): number => lanes + lane;
const blocks = 2 * lanes;
const parameters = blocks + 1;
const state = (i: number): number => parameters + i;
const working = (i: number): number => parameters + 8 + i;
const word = (i: number): number => parameters + 16 + i % 16;
const temporary = (i: number): number => parameters + 32 + i;
const vectors = 36;

type Hash4 = (m0: number, m1: number, m2: number, m3: number, d0: number, d1: number, d2: number, d3: number, blocks: number) => void;

function hash4(): Code {
  const { round, initial } = constants();
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  const body = [
    ...eight.flatMap((i) => assign(working(i), local(state(i)))),
    ...[0, 4, 8, 12].flatMap(loaded),
    ...[0, 1, 2, 3].flatMap((lane) => assign(message(lane), [...local(message(lane)), ...constant(64), 0x6a])),
    ...Array.from({ length: 64 }, (_, t) => roundOf(t, round[t] as number)).flat(),
    ...eight.flatMap((i) => assign(state(i), add(local(state(i)), local(working(i))))),
    ...assign(blocks, [...local(blocks), ...constant(1), 0x6b]),
  ];
  return [
    ...eight.flatMap((i) => assign(state(i), splat(initial[i] as number))),
    ...loopWhile(body, local(blocks)),
    ...eight.flatMap((i) => assign(state(i), bigEndian(local(state(i))))),
    ...[0, 1, 2, 3].flatMap((lane) => eight.flatMap((i) => [...local(digest(lane)), ...local(state(i)), ...simd(0x5a), 2, 4 * i, lane])),
  ];
}

/** Four words of each message, from word `t` of its block on, turned about: a vector for each word, a lane for each message. */
function loaded(t: number): Code {
  const low = words(0, 4, 1, 5);
  const high = words(2, 6, 3, 7);
  const [a, b, c, d] = [0, 1, 2, 3].map(temporary) as [number, number, number, number];
  return [
    ...[0, 1, 2, 3].flatMap((lane) => assign(word(t + lane), [...local(message(lane)), ...simd(0x00), 0, 4 * t])),
    ...assign(a, shuffle(local(word(t)), local(word(t + 1)), low)),
    ...assign(b, shuffle(local(word(t)), local(word(t + 1)), high)),
    ...assign(c, shuffle(local(word(t + 2)), local(word(t + 3)), low)),
    ...assign(d, shuffle(local(word(t + 2)), local(word(t + 3)), high)),
    ...assign(word(t), bigEndian(shuffle(local(a), local(c), words(0, 1, 4, 5)))),
    ...assign(word(t + 1), bigEndian(shuffle(local(a), local(c), words(2, 3, 6, 7)))),
    ...assign(word(t + 2), bigEndian(shuffle(local(b), local(d), words(0, 1, 4, 5)))),
    ...assign(word(t + 3), bigEndian(shuffle(local(b), local(d), words(2, 3, 6, 7)))),
  ];
}

function roundOf(t: number, roundConstant: number): Code {
  const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => working((i - t % 8 + 8) % 8)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const one = temporary(0);
  const big1 = xor(rotr(local(e), 6), rotr(local(e), 11), rotr(local(e), 25));
  const choice = select(local(f), local(g), local(e));
  const big0 = xor(rotr(local(a), 2), rotr(local(a), 13), rotr(local(a), 22));
  const majority = or(and(local(a), local(b)), and(local(c), or(local(a), local(b))));
  return [
    ...(t < 16 ? [] : assign(word(t), scheduled(t))),
    ...assign(one, add(local(h), big1, choice, splat(roundConstant), local(word(t)))),
    ...assign(d, add(local(d), local(one))),
    ...assign(h, add(local(one), big0, majority)),
  ];
}

function scheduled(t: number): Code {
  const x = local(word(t + 1));
  const y = local(word(t + 14));
  const small0 = xor(rotr(x, 7), rotr(x, 18), shr(x, 3));
  const small1 = xor(rotr(y, 17), rotr(y, 19), shr(y, 10));
  return add(local(word(t)), small0, local(word(t + 9)), small1);
}

const memoryPages = 32;
const digestBytes = 32;
const blockBytes = 64;
const nodeBytes = 1 + 2 * digestBytes;
/** Digests that one batch gives at most; behind them the one that nobody asked for, and then the messages. */
const slots = 512;
const spareAt = slots * digestBytes;
const messagesAt = spareAt + blockBytes;

const { run, memory } = instantiate<Hash4>({ name: "hash4", parameters, locals: [[vectors, v128]], code: hash4() }, memoryPages);
const bytes = new Uint8Array(memory.buffer);
const view = new DataView(memory.buffer);
/** By number of blocks, messages that wait until there are four: where each is, and where its digest goes. */
const waiting: number[][] = [];
let end = messagesAt;

/**
 * SHA-256 of many messages, four at a time, one in each lane of the processor's vectors: less than half of what it costs one by one. A message is written into `bytes`
 * from `next()` on. One batch at a time, and never across an await.
 */
export const sha256Lanes = {
  slots,
  bytes,
  /** Where the next message begins, after making sure that `length` bytes have room there. */
  next(length: number): number {
    if (end + length + 2 * blockBytes > bytes.length) finish();
    return end;
  },
  /** Ends the message that begins at `next()`: its digest will stand at `slot`. */
  add(length: number, slot: number): void {
    const start = end;
    const blockCount = Math.floor((length + 8) / blockBytes) + 1;
    end = start + blockCount * blockBytes;
    bytes.fill(0, start + length, end);
    bytes[start + length] = 0x80;
    view.setUint32(end - 4, length * 8);
    const alike = waiting[blockCount] ??= [];
    alike.push(start, slot * digestBytes);
    if (alike.length === 2 * lanes) hashWaiting(alike, blockCount);
  },
  /** The digests of all that was added, end to end in the order of their slots, up to `count`; in a slot that got none stands what stood there before. */
  digests(count: number): Uint8Array {
    finish();
    return bytes.slice(0, count * digestBytes);
  },
} as const;

/** Inner nodes of a tree, RFC 6962 section 2.1, many at once. */
export const joinPairs: JoinPairs = (pairs) => {
  const joined = new Uint8Array(pairs.length / 2);
  for (let first = 0; first < joined.length; first += slots * digestBytes) {
    const count = Math.min(slots, (joined.length - first) / digestBytes);
    for (let slot = 0, from = 2 * first; slot < count; slot++, from += 2 * digestBytes) {
      const at = sha256Lanes.next(nodeBytes);
      bytes[at] = 0x01;
      for (let index = 0; index < 2 * digestBytes; index++) bytes[at + 1 + index] = pairs[from + index] as number;
      sha256Lanes.add(nodeBytes, slot);
    }
    joined.set(sha256Lanes.digests(count), first);
  }
  return joined;
};

function finish(): void {
  waiting.forEach(hashWaiting);
  end = messagesAt;
}

/** Messages that are fewer than the lanes are joined by the first of them, whose other digests nobody reads. */
function hashWaiting(alike: number[], blockCount: number): void {
  if (alike.length === 0) return;
  while (alike.length < 2 * lanes) alike.push(alike[0] as number, spareAt);
  // By index: taking an array apart by a pattern costs a tenth of the hash.
  const at = alike as unknown as [number, number, number, number, number, number, number, number];
  run(at[0], at[2], at[4], at[6], at[1], at[3], at[5], at[7], blockCount);
  alike.length = 0;
}

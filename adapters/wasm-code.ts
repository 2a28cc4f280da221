import { Buffer } from "node:buffer";

/** A piece of WebAssembly code; where it is a value, bytes that leave one on the stack. Numbers of instructions are those of the core specification, section 5.4. */
export type Code = readonly number[];

/** Value types. */
export const i32 = 0x7f;
export const v128 = 0x7b;

export const local = (index: number): Code => [0x20, ...unsigned(index)];
export const assign = (index: number, value: Code): Code => [...value, 0x21, ...unsigned(index)];
export const constant = (value: number): Code => [0x41, ...signed(value | 0)];
/** An operation of two values, over as many as are given, from the left. */
export const binary = (...code: readonly number[]) => (first: Code, ...rest: readonly Code[]): Code =>
  rest.reduce((all, next) => [...all, ...next, ...code], first);

/** Repeats `body` while `condition` leaves a value other than 0. */
export function loopWhile(body: Code, condition: Code): Code {
  return [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];
}

/** A function without results: its parameters and then its own locals are counted from 0. */
type WasmFunction = {
  readonly name: string;
  readonly parameters: number;
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: Code;
};

type WasmMemory = { readonly buffer: ArrayBuffer };

/** A module of one function of i32 parameters, with a memory of `pages` pages, compiled and ready. */
export function instantiate<F>({ name, parameters, locals, code }: WasmFunction, pages: number): { readonly run: F; readonly memory: WasmMemory } {
  const body = [...unsigned(locals.length), ...locals.flatMap(([count, type]) => [...unsigned(count), type]), ...code, 0x0b];
  const sections = [
    section(1, [1, 0x60, parameters, ...new Array<number>(parameters).fill(i32), 0]),
    section(3, [1, 0]),
    section(5, [1, 0, ...unsigned(pages)]),
    section(7, [2, ...nameOf(name), 0, 0, ...nameOf("memory"), 2, 0]),
    section(10, [1, ...unsigned(body.length), ...body]),
  ];
  const bytes = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
  const { [name]: run, memory } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  return { run: run as F, memory: memory as unknown as WasmMemory };
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function nameOf(text: string): number[] {
  return [text.length, ...Buffer.from(text, "latin1")];
}

/** LEB128, as WebAssembly writes numbers. */
export function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...unsigned(value >>> 7)] : [low];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

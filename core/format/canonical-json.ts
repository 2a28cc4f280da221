import type { Json } from "../event.ts";

/**
 * Canonical JSON of `value`, RFC 8785: keys by UTF-16 code units, no white space, strings and numbers as ECMAScript writes them. `JSON.stringify`
 * writes all of that but the order, and writes it natively: so objects are put in order first. Throws on what validation should have refused:
 * a lone surrogate, which would be hashed as U+FFFD, and a number that is not finite, which would be written as null.
 */
export function canonicalJson(value: Json): string {
  const ordered = inOrder(value);
  return ordered === undefined ? written(value) : JSON.stringify(ordered);
}

/**
 * `value` with the keys of every object in order: itself where they are so already. Undefined when a JavaScript object cannot list its keys in
 * that order: keys that look like an array index come first, by number ("9" before "10"), and assigning `__proto__` makes no key.
 */
function inOrder(value: Json): Json | undefined {
  if (typeof value === "string") return wellFormed(value);
  if (typeof value === "number") return finite(value);
  if (value === null || typeof value === "boolean") return value;
  return isArray(value) ? arrayInOrder(value) : objectInOrder(value);
}

function arrayInOrder(value: readonly Json[]): Json | undefined {
  let copy: Json[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const item = value[index] as Json;
    const ordered = inOrder(item);
    if (ordered === undefined) return undefined;
    if (ordered !== item && copy === undefined) copy = value.slice();
    if (copy !== undefined) copy[index] = ordered;
  }
  return copy ?? value;
}

function objectInOrder(value: { readonly [key: string]: Json }): Json | undefined {
  const keys = Object.keys(value);
  const sorted = sortKeys(keys);
  let copy: Record<string, Json> | undefined = sorted ? undefined : {};
  for (let index = 0; index < keys.length; index++) {
    const key = wellFormed(keys[index] as string);
    const item = value[key] as Json;
    const ordered = inOrder(item);
    if (ordered === undefined) return undefined;
    if (ordered !== item && copy === undefined) copy = { ...value };
    if (copy === undefined) continue;
    if (key === "__proto__" || (!sorted && startsWithDigit(key))) return undefined;
    copy[key] = ordered;
  }
  return copy ?? value;
}

/** The same text without the help of an object's own order. */
function written(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(inOrder(value));
  if (isArray(value)) return `[${value.map(written).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(wellFormed(key))}:${written(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

/** Puts `keys` in order, by UTF-16 code units as `<` compares; true when they were so already. */
export function sortKeys(keys: string[]): boolean {
  if (isAscending(keys)) return true;
  // Objects have few keys, for which inserting is three times as fast as `Array.sort`.
  if (keys.length > 32) keys.sort();
  else insertInOrder(keys);
  return false;
}

function isAscending(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) return false;
  }
  return true;
}

function insertInOrder(keys: string[]): void {
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string;
    let place = end;
    for (; place > 0 && (keys[place - 1] as string) > key; place--) keys[place] = keys[place - 1] as string;
    keys[place] = key;
  }
}

/** True for every key that looks like an array index, and for some more. */
export function startsWithDigit(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new Error("write canonical JSON: a string has a lone surrogate");
  return text;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Error("write canonical JSON: a number is not finite");
  return value;
}

// Array.isArray does not narrow a readonly array.
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

import { sortKeys, startsWithDigit } from "./format/canonical-json.ts";
import { limits } from "./limits.ts";

/** Keys that become a prototype in code that copies objects carelessly; nobody needs them in an audit log. */
export const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

type Fields = { readonly [key: string]: unknown };

/**
 * The canonical JSON of a context in one walk, when nothing about it is unusual, as about nearly all: half the time of checking first and writing then.
 * Undefined when a rule is broken or only might be, and where objects cannot be put in order; what that is, the careful way finds out and names.
 */
export function plainContextJson(context: Fields): string | undefined {
  const json = JSON.stringify(objectInOrder(context, 1));
  // U+0000 and halves of surrogate pairs are written as \u escapes, and so are a few characters that are fine.
  return json === undefined || json.includes("\\u") ? undefined : json;
}

/** JSON.parse made Infinity of 1e400 and another number of 2^53+1; jsonb prints 5e-324 with 326 characters. */
export function isStorableNumber(value: number): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value);
  return Number.isFinite(value) && Math.abs(value) >= limits.numberMagnitudeMin;
}

/** `value` with the keys of its objects in order, itself where they are so already; undefined where it is not plain. */
function inOrder(value: unknown, depth: number): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") return isStorableNumber(value) ? value : undefined;
  if (depth > limits.contextDepthMax) return undefined;
  return Array.isArray(value) ? listInOrder(value, depth) : objectInOrder(value as Fields, depth);
}

function listInOrder(list: readonly unknown[], depth: number): readonly unknown[] | undefined {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = inOrder(list[index], depth + 1);
    if (item === undefined) return undefined;
    if (item !== list[index]) (copy ??= list.slice())[index] = item;
  }
  return copy ?? list;
}

function objectInOrder(object: Fields, depth: number): Fields | undefined {
  const keys = Object.keys(object);
  if (keys.length > limits.keysPerObjectMax) return undefined;
  let copy: Record<string, unknown> | undefined = sortKeys(keys) ? undefined : {};
  for (const key of keys) {
    // An object lists keys that look like numbers first, whatever order they are assigned in.
    if (forbiddenKeys.has(key) || (copy !== undefined && startsWithDigit(key))) return undefined;
    const item = inOrder(object[key], depth + 1);
    if (item === undefined) return undefined;
    if (copy !== undefined) copy[key] = item;
    else if (item !== object[key]) copy = { ...object, [key]: item };
  }
  return copy ?? object;
}

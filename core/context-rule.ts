import type { Json } from "./event.ts";
import { exceedsBytes } from "./exceeds-bytes.ts";
import { fault, type Faults, unstorable } from "./field-rules.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { limits } from "./limits.ts";
import { forbiddenKeys, isStorableNumber, plainContextJson } from "./plain-context.ts";

/** The canonical JSON of an event's context, written once for both the hash and the insert; undefined, with faults, when it breaks a rule. */
export function readContext(value: unknown, pointer: string, faults: Faults): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fault(faults, "invalid_type", pointer, 'must be a JSON object, such as {"order_total": 150}');
  }
  const context = value as { readonly [key: string]: Json };
  const json = plainContextJson(context) ?? checkedJson(context, pointer, faults);
  if (json === undefined) return undefined;
  if (exceedsBytes(json, limits.contextBytesMax)) {
    return fault(faults, "too_long", pointer, `must not have more than ${limits.contextBytesMax} bytes as canonical JSON: keep what is needed, link the rest`);
  }
  return json;
}

/** The same for any context; every broken rule is named. */
function checkedJson(context: { readonly [key: string]: Json }, pointer: string, faults: Faults): string | undefined {
  const found: Faults = [];
  checkObject(context, { pointer, keys: [] }, 1, found);
  faults.push(...found);
  return found.length > 0 ? undefined : canonicalJson(context);
}

/** Where the walk is; written out as a pointer only when there is a fault to tell. */
type Place = { readonly pointer: string; readonly keys: (string | number)[] };

function checkObject(object: { readonly [key: string]: unknown }, place: Place, depth: number, faults: Faults): void {
  const keys = Object.keys(object);
  if (keys.length > limits.keysPerObjectMax) {
    fault(faults, "too_many_keys", pointerOf(place), `must not have more than ${limits.keysPerObjectMax} keys: use a list, or nest`);
    return;
  }
  for (const key of keys) {
    if (isEnough(faults)) return;
    const reason = unstorable(key);
    if (reason !== undefined) fault(faults, reason.code, pointerOf(place), `must not have a key that breaks this rule: ${reason.message}`);
    else if (forbiddenKeys.has(key)) fault(faults, "forbidden_key", pointerOf(place), "must not have a key __proto__, constructor or prototype: rename it");
    else checkValue(object[key], key, place, depth, faults);
  }
}

function checkValue(value: unknown, key: string | number, place: Place, depth: number, faults: Faults): void {
  if (typeof value === "string") {
    const reason = unstorable(value);
    if (reason !== undefined) fault(faults, reason.code, pointerOf(place, key), reason.message);
  } else if (typeof value === "number") {
    if (!isStorableNumber(value)) fault(faults, "number_out_of_range", pointerOf(place, key), numberWording);
  } else if (typeof value === "object" && value !== null) {
    checkContainer(value, key, place, depth + 1, faults);
  }
}

function checkContainer(value: object, key: string | number, place: Place, depth: number, faults: Faults): void {
  if (depth > limits.contextDepthMax) {
    fault(faults, "too_deep", place.pointer, `must not nest more than ${limits.contextDepthMax} levels: flatten it`);
    return;
  }
  place.keys.push(key);
  if (Array.isArray(value)) { for (let index = 0; index < value.length && !isEnough(faults); index++) checkValue(value[index], index, place, depth, faults); }
  else checkObject(value as { readonly [key: string]: unknown }, place, depth, faults);
  place.keys.pop();
}

/** A list of a million wrong numbers is refused after the first few. */
function isEnough(faults: Faults): boolean {
  return faults.length >= limits.faultsPerEventMax;
}

const numberWording =
  "must be a number that double precision and jsonb keep: whole within ±9007199254740991, not closer to zero than 1e-30; or send it as a string";

/** RFC 6901; a key too long to be of help is left out, so that the pointer names what holds it. */
function pointerOf(place: Place, key?: string | number): string {
  const keys = key === undefined ? place.keys : [...place.keys, key];
  const end = keys.findIndex((part) => typeof part === "string" && part.length > limits.pointerKeyLengthMax);
  const shown = end === -1 ? keys : keys.slice(0, end);
  return [place.pointer, ...shown.map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/");
}

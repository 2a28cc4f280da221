import type { EventError, EventErrorCode } from "./errors.ts";
import { eventResults } from "./event.ts";
import { exceedsBytes } from "./exceeds-bytes.ts";
import { parseIpAddress } from "./format/ip-address.ts";
import { parseTimestamp } from "./format/timestamp.ts";
import { parseUuid } from "./format/uuid7.ts";
import { limits } from "./limits.ts";

/** Where one event's faults are gathered. */
export type Faults = EventError[];

/** Reads one field's value into its stored form; on a fault it says so in `faults` and returns undefined. `pointer` is the field's as the caller named it. */
export type FieldRule<T> = (value: unknown, pointer: string, faults: Faults) => T | undefined;

/** A string of at most `bytesMax` bytes, kept as it is. */
export function textRule(bytesMax: number): FieldRule<string> {
  return (value, pointer, faults) => {
    if (typeof value !== "string") return fault(faults, "invalid_type", pointer, "must be a string: send numbers and lists as text, or inside context");
    if (exceedsBytes(value, bytesMax)) return fault(faults, "too_long", pointer, `must not have more than ${bytesMax} bytes of UTF-8`);
    const reason = unstorable(value);
    return reason === undefined ? value : fault(faults, reason.code, pointer, reason.message);
  };
}

const typeName = new RegExp(`^[A-Za-z0-9_.:/-]{1,${limits.typeNameLengthMax}}$`);
const lowerTypeName = new RegExp(`^[a-z0-9_.:/-]{1,${limits.typeNameLengthMax}}$`);

/** A type name or source, in lower case. */
export const typeNameRule: FieldRule<string> = (value, pointer, faults) => {
  if (typeof value !== "string") return fault(faults, "invalid_type", pointer, "must be a string such as order.created");
  if (lowerTypeName.test(value)) return value;
  if (typeName.test(value)) return value.toLowerCase();
  const wording = `must be 1 to ${limits.typeNameLengthMax} of the characters A-Z a-z 0-9 _ . : / - (it is stored in lower case)`;
  return fault(faults, value.length > limits.typeNameLengthMax ? "too_long" : "invalid_value", pointer, wording);
};

/** A UUID, in lower case. */
export const uuidRule: FieldRule<string> = (value, pointer, faults) => {
  const wording = "must be a UUID of 36 characters, such as 123e4567-e89b-12d3-a456-426614174000";
  if (typeof value !== "string") return fault(faults, "invalid_type", pointer, wording);
  return parseUuid(value) ?? fault(faults, "invalid_value", pointer, wording);
};

/** A time, in milliseconds since 1970. */
export const timeRule: FieldRule<number> = (value, pointer, faults) => {
  const wording = "must be an RFC 3339 time with an offset, such as 2026-11-22T10:11:12.345Z";
  if (typeof value !== "string") return fault(faults, "invalid_type", pointer, `${wording}, as a string`);
  return parseTimestamp(value) ?? fault(faults, "invalid_value", pointer, wording);
};

/** success, failure or warning. */
export const resultRule: FieldRule<(typeof eventResults)[number]> = (value, pointer, faults) => {
  const known = eventResults.find((result) => result === value);
  return known ?? fault(faults, typeof value === "string" ? "invalid_value" : "invalid_type", pointer, `must be one of ${eventResults.join(", ")}`);
};

/** An IP address in the one spelling that we store. */
export const ipAddressRule: FieldRule<string> = (value, pointer, faults) => {
  const wording = "must be an IPv4 or IPv6 address without port, mask or zone: put host names into context";
  if (typeof value !== "string") return fault(faults, "invalid_type", pointer, wording);
  return parseIpAddress(value) ?? fault(faults, "invalid_value", pointer, wording);
};

/** Milliseconds that something took, rounded to whole ones. */
export const durationRule: FieldRule<number> = (value, pointer, faults) => {
  if (typeof value !== "number") return fault(faults, "invalid_type", pointer, "must be a number of milliseconds");
  // The comparison is false for NaN; adding 0 makes zero of minus zero.
  if (value >= 0 && Math.round(value) <= limits.durationMsMax) return Math.round(value) + 0;
  return fault(faults, "number_out_of_range", pointer, `must be from 0 to ${limits.durationMsMax} milliseconds`);
};

/** A counter that a producer gives its events. */
export const counterRule: FieldRule<number> = (value, pointer, faults) => {
  if (typeof value !== "number") return fault(faults, "invalid_type", pointer, "must be a whole number");
  if (Number.isSafeInteger(value) && value >= 0) return value + 0;
  return fault(
    faults,
    Number.isInteger(value) || !Number.isFinite(value) ? "number_out_of_range" : "invalid_value",
    pointer,
    "must be a whole number from 0 to 9007199254740991",
  );
};

/** Why Postgres (U+0000) or UTF-8 (half of a surrogate pair) could not hold `text`; undefined when both can. */
export function unstorable(text: string): { readonly code: EventErrorCode; readonly message: string } | undefined {
  if (text.includes("\0")) return holdsNul;
  return text.isWellFormed() ? undefined : holdsLoneSurrogate;
}

const holdsNul = { code: "nul_character", message: "must not hold the character U+0000, which Postgres cannot store: remove it" } as const;
const holdsLoneSurrogate = {
  code: "lone_surrogate",
  message: "must not hold half of a surrogate pair, which UTF-8 cannot write: cut text between characters",
} as const;

/** Adds a fault, whose `message` goes on from the name of what `pointer` points at. Returns undefined, so that a rule can end with it. */
export function fault(faults: Faults, code: EventErrorCode, pointer: string, message: string): undefined {
  faults.push({ code, pointer, message: `${subjectOf(pointer)} ${message}` });
  return undefined;
}

/** What a pointer points at, as the beginning of a sentence. */
function subjectOf(pointer: string): string {
  return pointer === "" ? "the event" : pointer.slice(1);
}

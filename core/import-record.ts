import { fieldAliases, fieldRules, knownFields } from "./event-fields.ts";
import { parseIpAddress } from "./format/ip-address.ts";
import { parseJsonText } from "./format/parse-json.ts";
import { parseTimestamp } from "./format/timestamp.ts";
import { parseSpan } from "./query-time.ts";

/** A record as a file or a table holds it, under the names that it has there. */
export type SourceRecord = { readonly [column: string]: unknown };

/** What becomes of a column: a field of the event, a key of its context, or nothing, since the log sets it itself. */
export type ColumnTarget = { readonly kind: "field"; readonly field: string } | { readonly kind: "context" } | { readonly kind: "dropped" };

/** Which column goes where. `overrides` come from whoever imports: a column and a field, or "" for the context. */
export type ColumnRule = (column: string) => ColumnTarget;

const serverSet: ReadonlySet<string> = new Set(["received_at", "principal", "seq", "leaf_hash", "log_index", "href"]);
/** What tables call the time of an event when they use none of our names. */
const timeColumns: readonly string[] = ["created_at", "event_time", "time", "date", "ts"];

/**
 * Columns under our names and aliases become fields; what the log sets itself is dropped; everything else goes into the context, so that nothing is lost
 * and nothing is guessed. The one exception is the time, without which there is no event: where `columns` have none of its names, the usual ones do.
 */
export function columnRule(columns: readonly string[], overrides: ReadonlyMap<string, string>): ColumnRule {
  const isTaken = (field: string) => columns.some((column) => (overrides.get(column) ?? knownFields.get(column)?.name) === field);
  const time = isTaken("occurred_at") ? undefined : timeColumns.find((column) => columns.includes(column) && !overrides.has(column));
  return (column) => {
    const field = overrides.get(column) ?? (column === time ? "occurred_at" : knownFields.get(column)?.name);
    if (field) return { kind: "field", field };
    return { kind: field === undefined && serverSet.has(column) ? "dropped" : "context" };
  };
}

/** True for a name that `overrides` may map a column to. */
export function isField(name: string): boolean {
  return name in fieldRules || name in fieldAliases;
}

/**
 * A record as an event in the form that the door takes. Values that another system writes otherwise are read as what they mean: times without a zone as
 * UTC, numbers as text and text as numbers where the field wants them, an address with the mask of one host without it. What a field cannot hold for
 * certain (a host name for an address, a context that is no object) goes into the context. Whether it is an event is the door's own check to say.
 */
export function eventOfRecord(record: SourceRecord, rule: ColumnRule): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  const context: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(record)) {
    if (value === null || value === undefined) continue;
    const target = rule(column);
    if (target.kind === "dropped") continue;
    if (target.kind === "context") put(context, column, value);
    else if (target.field === "context") addContext(context, value);
    else setField(event, context, target.field, column, value);
  }
  if (Object.keys(context).length > 0) event["context"] = context;
  return event;
}

function setField(event: Record<string, unknown>, context: Record<string, unknown>, field: string, column: string, value: unknown): void {
  const read = readers[field]?.(value) ?? asText(value);
  if (field === "ip_address" && typeof read === "string" && parseIpAddress(read) === undefined) put(context, column, value);
  // Two columns of one field: the second is kept beside it.
  else if (event[field] !== undefined && event[field] !== read) put(context, column, value);
  else event[field] = read;
}

/** How a field's value is read when it is not of the type that the door takes; undefined leaves it to `asText`. */
const readers: Readonly<Record<string, (value: unknown) => unknown>> = {
  occurred_at: timeOf,
  result: (value) => typeof value === "string" ? value.toLowerCase() : undefined,
  duration_ms: numberOf,
  producer_seq: numberOf,
  ip_address: (value) => typeof value === "string" ? value.trim().replace(/(?<=\.\d+)\/32$|(?<=:[0-9a-f]*)\/128$/i, "") : undefined,
};

function asText(value: unknown): unknown {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : value;
}

function numberOf(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : typeof value === "number" ? value : undefined;
}

/** Above this a number of the Unix time counts milliseconds: as seconds it would be the year 5138, as milliseconds it is 1973. */
const secondsMax = 1e11;

/** RFC 3339, the same with a space or without a zone (UTC), as Postgres and Python print it, or Unix time in seconds or milliseconds. */
function timeOf(value: unknown): unknown {
  if (typeof value === "number" || (typeof value === "string" && /^\d{9,13}(\.\d+)?$/.test(value))) {
    const count = Number(value);
    const ms = Math.floor(Math.abs(count) > secondsMax ? count : count * 1000);
    return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
  }
  if (typeof value !== "string" || parseTimestamp(value) !== undefined) return value;
  // Postgres prints whole hours of an offset without minutes. A date alone says no time: it is left for the door to refuse.
  const text = value.trim().replace(/([+-]\d{2})$/, (offset) => value.includes(":") ? `${offset}:00` : offset);
  return text.includes(":") ? parseSpan(text)?.first ?? value : value;
}

/** What an event's own context column holds; JSON in text is read, and what is no object is kept under `value`. */
function addContext(context: Record<string, unknown>, value: unknown): void {
  const read = typeof value === "string" ? jsonOf(value) : value;
  if (typeof read !== "object" || read === null || Array.isArray(read)) return put(context, "value", read);
  for (const [key, inner] of Object.entries(read)) put(context, key, inner);
}

function jsonOf(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return text;
  }
}

/** Adds a key; one that is there already gets a number, so that nothing is lost. */
function put(context: Record<string, unknown>, key: string, value: unknown): void {
  let name = key;
  for (let number = 2; Object.hasOwn(context, name); number++) name = `${key}_${number}`;
  // Assigning would set the prototype; the door refuses the key.
  Object.defineProperty(context, name, { value, writable: true, enumerable: true, configurable: true });
}

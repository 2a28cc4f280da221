import { equalBytes } from "./bytes.ts";
import { type EventRecord, leafColumns, rebuiltLeafHash } from "./leaf.ts";
import type { Hash } from "./sha256.ts";

/**
 * Which column of `event` was changed, if changing back one of them gives the leaf hash that was sealed. A hash does not say what was hashed, but a
 * forger's values come from somewhere: another event, nothing where there was something, a time a little off. `others` are events nearby.
 */
export function changedColumn(hash: Hash, event: EventRecord, sealedHash: Uint8Array, others: readonly EventRecord[]): string | undefined {
  const isSealed = (candidate: EventRecord) => {
    const rebuilt = rebuiltLeafHash(hash, candidate);
    return rebuilt !== undefined && equalBytes(rebuilt, sealedHash);
  };
  for (const column of leafColumns) {
    if (column === "id" || column === "tenant_id" || column === "occurred_at") continue;
    const tried = new Set<string>();
    for (const value of candidatesOf(column, event, others)) {
      const key = JSON.stringify(value) ?? "";
      if (tried.has(key)) continue;
      tried.add(key);
      if (isSealed({ ...event, [column]: value })) return column;
    }
  }
  return undefined;
}

/** What a column may have held before. */
function* candidatesOf(column: string, event: EventRecord, others: readonly EventRecord[]): Iterable<unknown> {
  const value = event[column];
  yield null;
  if (column === "result") yield* ["success", "failure", "warning"];
  if (column === "received_at") yield* timesNear(String(value));
  if (typeof value === "number") yield* numbersNear(value);
  if (typeof value === "string") yield* textsNear(value);
  if (column === "context") yield* contextsNear(value);
  for (const other of others) if (other[column] !== undefined && other[column] !== null) yield other[column];
}

/** Milliseconds and whole seconds, minutes, hours, days around a time; and the time without digits beyond milliseconds. */
function* timesNear(text: string): Iterable<string> {
  const cut = `${text.slice(0, 23)}Z`;
  yield cut;
  const ms = Date.parse(cut);
  if (Number.isNaN(ms)) return;
  for (const unit of [1, 1000, 60_000, 3_600_000, 86_400_000]) {
    for (let n = 1; n <= 60; n++) for (const sign of [-1, 1]) yield new Date(ms + sign * n * unit).toISOString();
  }
}

function* numbersNear(value: number): Iterable<number> {
  for (let n = 1; n <= 100; n++) yield* [value - n, value + n];
  yield* [-value, value / 10, value * 10];
}

function* textsNear(value: string): Iterable<string> {
  yield* [value.toLowerCase(), value.toUpperCase(), value.trim(), value.normalize("NFC"), value.normalize("NFD")];
  for (let end = 1; end <= Math.min(16, value.length); end++) yield* [value.slice(0, -end), value.slice(end)];
}

/** A context with one member fewer. */
function* contextsNear(value: unknown): Iterable<unknown> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return;
  yield {};
  for (const key of Object.keys(value)) yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== key));
}

import { fromHex } from "./bytes.ts";
import { parseJson } from "./json.ts";
import { type EventRecord, leafColumns } from "./leaf.ts";
import type { StoredEvent } from "./source.ts";

/** What is read of `audit_log.events`: each column as PostgreSQL prints it in UTC and DateStyle ISO. `seq` and `leaf_hash`, and then the leaf's. */
export const rowColumns = ["seq", "encode(leaf_hash, 'hex')", ...leafColumns].map((column) => `${column}::text`).join(", ");

/** Columns of such a row that come before those of the leaf. */
export const columnsBeforeLeaf = 2;

/** The row as a value, exactly: what no door would have stored stays visible, and gives another leaf or none. */
export function eventOfRow(row: readonly (string | null | undefined)[]): StoredEvent {
  const [tenantId, occurredAt, id] = [row[21] ?? "", timeOf(row[13] ?? ""), row[8] ?? ""];
  return { tenantId, seq: Number(row[0]), occurredAt, id, leafHash: fromHex(row[1] ?? "") ?? new Uint8Array(0), event: recordOf(row) };
}

/** One shape for all of them, which is fastest to build and to read; what is null stays null. */
function recordOf(row: readonly (string | null | undefined)[]): EventRecord {
  return {
    actor_id: row[2],
    actor_type: row[3],
    context: jsonOf(row[4]),
    device_fingerprint: row[5],
    duration_ms: numberOf(row[6]),
    event_type: row[7],
    id: row[8],
    ip_address: addressOf(row[9]),
    message: row[10],
    object_id: row[11],
    object_type: row[12],
    occurred_at: timeOrNull(row[13]),
    principal: row[14],
    producer_id: row[15],
    producer_seq: numberOf(row[16]),
    received_at: timeOrNull(row[17]),
    request_id: row[18],
    result: row[19],
    source: row[20],
    tenant_id: row[21],
    user_agent: row[22],
  };
}

/** `2026-11-22 02:37:18.12+00` as `2026-11-22T02:37:18.120Z`. Digits beyond milliseconds stay: no door stores any, so they are a change. */
export function timeOf(text: string): string {
  if (!text.endsWith("+00")) return text;
  const fraction = text.slice(20, -3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, "0")}Z`;
}

function timeOrNull(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : timeOf(text);
}

function numberOf(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Number(text);
}

/** A context that cannot be parsed, or that is JSON's null and not SQL's, becomes a value that no leaf can hold. */
function jsonOf(text: string | null | undefined): unknown {
  if (text === null || text === undefined) return null;
  try {
    return parseJson(text) ?? Number.NaN;
  } catch {
    return Number.NaN;
  }
}

/**
 * An address without the length of its mask, where that is whole. Postgres prints some IPv6 addresses with their last 32 bits as IPv4; the leaf has
 * hexadecimal there (RFC 5952 section 4.3).
 */
function addressOf(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  const address = text.replace(text.includes(":") ? /\/128$/ : /\/32$/, "");
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted === null) return address;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(2).map(Number);
  return `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

import { parseJsonText } from "../../core/format/parse-json.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { CommittedEvent } from "../../core/seal-store.ts";

/** Columns of a row in the order in which `rowToSeal` takes them; sent as text, so that nothing is lost before it is compared. */
export const sealColumns =
  "seq, encode(leaf_hash, 'hex'), tenant_id, occurred_at, id, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message, " +
  "duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq";

/**
 * One event row as text, printed in UTC and DateStyle ISO. Stricter than the door: what stands here was normalised before it was hashed, so a microsecond, a mask or an IPv4-mapped
 * address is a change, not another spelling. A context that is not JSON for us leaves the event undefined.
 */
export function rowToSeal(row: readonly (string | null)[]): Omit<CommittedEvent, "leaf"> & { readonly event: AuditEvent | undefined } {
  const tenantId = row[2] as string;
  const occurredAt = timeOf(row[3] as string);
  const id = row[4] as string;
  return { tenantId, occurredAt, id, seq: Number(row[0]), leafHashHex: row[1] as string, event: eventOf(row, tenantId, occurredAt, id) };
}

function eventOf(row: readonly (string | null)[], tenantId: string, occurredAt: string, id: string): AuditEvent | undefined {
  const context = row[16];
  let parsed: unknown;
  try {
    parsed = context === null || context === undefined ? undefined : parseJsonText(context);
  } catch {
    return undefined;
  }
  // One shape for every row, absent fields as undefined: what builds the leaf looks for undefined, and objects of one shape are read fastest.
  return {
    tenant_id: tenantId,
    occurred_at: occurredAt,
    id,
    received_at: timeOf(row[5] as string),
    principal: row[6],
    source: row[7] ?? undefined,
    actor_id: row[8] ?? undefined,
    actor_type: row[9] ?? undefined,
    event_type: row[10],
    object_type: row[11] ?? undefined,
    object_id: row[12] ?? undefined,
    result: row[13],
    message: row[14] ?? undefined,
    duration_ms: numberOf(row[15]),
    context: parsed,
    ip_address: addressOf(row[17]),
    user_agent: row[18] ?? undefined,
    device_fingerprint: row[19] ?? undefined,
    request_id: row[20] ?? undefined,
    producer_id: row[21] ?? undefined,
    producer_seq: numberOf(row[22]),
  } as AuditEvent;
}

/** `2026-11-22 02:37:18.12+00` as `2026-11-22T02:37:18.120Z`; more than three digits stay, and give a leaf that nobody hashed. */
function timeOf(text: string): string {
  if (!text.endsWith("+00")) return text;
  const fraction = text.slice(20, -3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.length < 3 ? fraction.padEnd(3, "0") : fraction}Z`;
}

function numberOf(text: string | null | undefined): number | undefined {
  return text === null || text === undefined ? undefined : Number(text);
}

/** `inet` as we hash it: IPv4 as it is printed; IPv6 as printed too, but Postgres writes the last 32 bits of some addresses as IPv4. */
function addressOf(text: string | null | undefined): string | undefined {
  if (text === null || text === undefined) return undefined;
  if (!text.includes(":") || !text.includes(".")) return text;
  const start = text.lastIndexOf(":") + 1;
  const [a = 0, b = 0, c = 0, d = 0] = text.slice(start).split(".").map(Number);
  return `${text.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

import { canonicalJson } from "../../core/format/canonical-json.ts";
import { parseJsonText } from "../../core/format/parse-json.ts";
import type { Json } from "../../core/event.ts";
import type { CommittedEvent } from "../../core/seal-store.ts";

/**
 * A row as `rowToCommitted` takes it: its id, and one text with a piece of the leaf a line. Postgres writes strings as JSON in the bytes that `JSON.stringify`
 * gives, so that a line feed inside one is always escaped. One column, because each value handed over costs; left to Postgres, because it does this while the rows
 * before are hashed. What needs our own rules comes as it is: times, the address, the context. concat() passes over what is null, and so never loses a line.
 */
export const committedColumns = `id, concat(seq, e'\\n', encode(leaf_hash, 'hex'), e'\\n', tenant_id, e'\\n', occurred_at, e'\\n', received_at, e'\\n',
  '"actor_id":' || to_json(actor_id)::text || ',', '"actor_type":' || to_json(actor_type)::text || ',', e'\\n',
  context, e'\\n',
  '"device_fingerprint":' || to_json(device_fingerprint)::text || ',', '"duration_ms":' || duration_ms || ',', '"event_type":' || to_json(event_type)::text || ',', e'\\n',
  ip_address, e'\\n',
  '"message":' || to_json(message)::text || ',', '"object_id":' || to_json(object_id)::text || ',', '"object_type":' || to_json(object_type)::text || ',', e'\\n',
  '"principal":' || to_json(principal)::text || ',', '"producer_id":' || to_json(producer_id)::text || ',', '"producer_seq":' || producer_seq || ',', e'\\n',
  '"request_id":' || to_json(request_id)::text || ',', '"result":' || to_json(result)::text || ',', '"source":' || to_json(source)::text || ',', e'\\n',
  '"user_agent":' || to_json(user_agent)::text || ',')`;

/**
 * One event row, printed in UTC and DateStyle ISO. Stricter than the door: what stands here was normalised before it was hashed, so a microsecond, a mask or
 * an IPv4-mapped address is a change, not another spelling. The leaf is built from the row alone, in the order of `leafOf`; undefined when the context is not
 * JSON for us.
 */
export function rowToCommitted([id, row]: readonly [string, string]): CommittedEvent {
  const [seq, leafHashHex, tenantId, occurred, received, actor, context, first, address, second, third, fourth, last] = row.split("\n") as Lines;
  const occurredAt = timeOf(occurred);
  const contextJson = context === "" ? "" : contextOf(context);
  const leaf = contextJson === undefined
    ? undefined
    : `{${actor}${contextJson}${first}"id":"${id}",${addressOf(address)}${second}"occurred_at":"${occurredAt}",${third}"received_at":"${
      timeOf(received)
    }",${fourth}"tenant_id":"${tenantId}",${last}"v":1}`;
  return { tenantId, occurredAt, id, seq: Number(seq), leafHashHex, leaf };
}

type Lines = [string, string, string, string, string, string, string, string, string, string, string, string, string];

function contextOf(text: string): string | undefined {
  try {
    return `"context":${canonicalJson(parseJsonText(text) as Json)},`;
  } catch {
    // A number or a string that no door would have let through.
    return undefined;
  }
}

/** `2026-11-22 02:37:18.12+00` as `2026-11-22T02:37:18.120Z`; more than three digits stay, and give a leaf that nobody hashed. */
function timeOf(text: string): string {
  if (!text.endsWith("+00")) return text;
  const fraction = text.slice(20, -3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.length < 3 ? fraction.padEnd(3, "0") : fraction}Z`;
}

/** `inet` as we hash it: IPv4 as it is printed; IPv6 as printed too, but Postgres writes the last 32 bits of some addresses as IPv4. */
function addressOf(text: string): string {
  if (text === "") return "";
  if (!text.includes(":") || !text.includes(".")) return `"ip_address":"${text}",`;
  const start = text.lastIndexOf(":") + 1;
  const [a = 0, b = 0, c = 0, d = 0] = text.slice(start).split(".").map(Number);
  return `"ip_address":"${text.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}",`;
}

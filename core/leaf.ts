import type { AuditEvent } from "./event.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { exceedsBytes } from "./exceeds-bytes.ts";
import { limits } from "./limits.ts";
import type { Sha256, TextSha256 } from "./ports.ts";

/**
 * The leaf of a stored event, `docs/format/event.md`: RFC 8785 of `{"v":1}` and its fields. They stand here in the order into which the RFC sorts them,
 * so that `JSON.stringify` writes them in one go; only the context, whose keys may be any, is sorted. `contextJson` is its canonical JSON when the
 * caller has it already. Strings are those of a validated or stored event: well-formed.
 */
export function leafOf(event: AuditEvent, contextJson?: string): string {
  const rest = JSON.stringify({
    device_fingerprint: event.device_fingerprint,
    duration_ms: event.duration_ms,
    event_type: event.event_type,
    id: event.id,
    ip_address: event.ip_address,
    message: event.message,
    object_id: event.object_id,
    object_type: event.object_type,
    occurred_at: event.occurred_at,
    principal: event.principal,
    producer_id: event.producer_id,
    producer_seq: event.producer_seq,
    received_at: event.received_at,
    request_id: event.request_id,
    result: event.result,
    source: event.source,
    tenant_id: event.tenant_id,
    user_agent: event.user_agent,
    v: 1,
  });
  let leaf = "{";
  if (event.actor_id !== undefined) leaf += `"actor_id":${JSON.stringify(event.actor_id)},`;
  if (event.actor_type !== undefined) leaf += `"actor_type":${JSON.stringify(event.actor_type)},`;
  if (event.context !== undefined) leaf += `"context":${contextJson ?? canonicalJson(event.context)},`;
  return leaf + rest.slice(1);
}

const encoder = new TextEncoder();
// One leaf is hashed at a time and never across an await, so every call may use the same room.
const room = new Uint8Array(1 + limits.leafBytesMax);

/** SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1; undefined when the leaf has more bytes than `limits.leafBytesMax`. */
export function leafHashWithin(leaf: string, sha256: Sha256): Uint8Array | undefined {
  room[0] = 0x00;
  const { read, written } = encoder.encodeInto(leaf, room.subarray(1));
  return read === leaf.length ? sha256(room.subarray(0, 1 + written)) : undefined;
}

/** The same as 64 hexadecimal digits in lower case. */
export function leafHashHexWithin(leaf: string, sha256: TextSha256): string | undefined {
  return exceedsBytes(leaf, limits.leafBytesMax) ? undefined : sha256.hex(`\0${leaf}`);
}

/** SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1, of a leaf that is known to be stored. */
export function leafHashOf(leaf: string, sha256: Sha256): Uint8Array {
  const hash = leafHashWithin(leaf, sha256);
  if (hash === undefined) throw new Error(`hash leaf: it is longer than ${limits.leafBytesMax} bytes`);
  return hash;
}

import { canonicalJson, quoteJson } from "./format/canonical-json.ts";
import type { AuditEvent } from "./event.ts";
import { limits } from "./limits.ts";
import type { Sha256 } from "./ports.ts";

/**
 * The leaf of a stored event, `docs/format/event.md`: RFC 8785 of `{"v":1}` and its fields, which stand here in the order that the RFC sorts them.
 * `contextJson` is the canonical JSON of `event.context` when the caller has it already.
 */
export function leafOf(event: AuditEvent, contextJson?: string): string {
  let leaf = "{";
  if (event.actor_id !== undefined) leaf += `"actor_id":${quoteJson(event.actor_id)},`;
  if (event.actor_type !== undefined) leaf += `"actor_type":${quoteJson(event.actor_type)},`;
  if (event.context !== undefined) leaf += `"context":${contextJson ?? canonicalJson(event.context)},`;
  if (event.device_fingerprint !== undefined) leaf += `"device_fingerprint":${quoteJson(event.device_fingerprint)},`;
  if (event.duration_ms !== undefined) leaf += `"duration_ms":${canonicalJson(event.duration_ms)},`;
  leaf += `"event_type":${quoteJson(event.event_type)},"id":${quoteJson(event.id)},`;
  if (event.ip_address !== undefined) leaf += `"ip_address":${quoteJson(event.ip_address)},`;
  if (event.message !== undefined) leaf += `"message":${quoteJson(event.message)},`;
  if (event.object_id !== undefined) leaf += `"object_id":${quoteJson(event.object_id)},`;
  if (event.object_type !== undefined) leaf += `"object_type":${quoteJson(event.object_type)},`;
  leaf += `"occurred_at":${quoteJson(event.occurred_at)},"principal":${quoteJson(event.principal)},`;
  if (event.producer_id !== undefined) leaf += `"producer_id":${quoteJson(event.producer_id)},`;
  if (event.producer_seq !== undefined) leaf += `"producer_seq":${canonicalJson(event.producer_seq)},`;
  leaf += `"received_at":${quoteJson(event.received_at)},`;
  if (event.request_id !== undefined) leaf += `"request_id":${quoteJson(event.request_id)},`;
  leaf += `"result":${quoteJson(event.result)},`;
  if (event.source !== undefined) leaf += `"source":${quoteJson(event.source)},`;
  leaf += `"tenant_id":${quoteJson(event.tenant_id)},`;
  if (event.user_agent !== undefined) leaf += `"user_agent":${quoteJson(event.user_agent)},`;
  return leaf + `"v":1}`;
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

/** SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1, of a leaf that is known to be stored. */
export function leafHashOf(leaf: string, sha256: Sha256): Uint8Array {
  const hash = leafHashWithin(leaf, sha256);
  if (hash === undefined) throw new Error(`hash leaf: it is longer than ${limits.leafBytesMax} bytes`);
  return hash;
}

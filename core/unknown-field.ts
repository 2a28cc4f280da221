import { type FieldName, knownFields } from "./event-fields.ts";
import { fault, type Faults } from "./field-rules.ts";
import { limits } from "./limits.ts";
import { nearest } from "./nearest.ts";
import { forbiddenKeys } from "./plain-context.ts";

/** What other audit logs and hand-written code call our fields. */
const elsewhere: ReadonlyMap<string, FieldName> = new Map<string, FieldName>([
  ...(["action", "type", "name", "event", "event_name", "operation"] as const).map((word) => [word, "event_type"] as const),
  ...(["actor", "user", "user_id", "uid", "who"] as const).map((word) => [word, "actor_id"] as const),
  ...(["data", "details", "extra", "metadata", "meta", "payload", "properties", "fields"] as const).map((word) => [word, "context"] as const),
  ...(["date", "time", "datetime", "created_at", "event_time", "at"] as const).map((word) => [word, "occurred_at"] as const),
  ...(["target", "target_id", "resource", "resource_id", "entity_id", "object"] as const).map((word) => [word, "object_id"] as const),
  ...(["target_type", "resource_type", "entity_type"] as const).map((word) => [word, "object_type"] as const),
  ...(["organization_id", "organisation_id", "org_id", "account_id", "tenant"] as const).map((word) => [word, "tenant_id"] as const),
  ...(["ip", "client_ip", "remote_addr", "source_ip", "source_ip_address"] as const).map((word) => [word, "ip_address"] as const),
  ...(["status", "outcome", "success"] as const).map((word) => [word, "result"] as const),
  ...(["duration", "latency", "latency_ms", "elapsed_ms"] as const).map((word) => [word, "duration_ms"] as const),
  ...(["description", "text", "msg"] as const).map((word) => [word, "message"] as const),
  ["event_id", "id"],
  ["uuid", "id"],
  ["service", "source"],
  ["agent", "user_agent"],
]);

const serverFields: ReadonlySet<string> = new Set(["received_at", "principal", "seq", "leaf_hash"]);

/** Says that no event has `key`, and what was probably meant; never what stood there. */
export function refuseUnknown(key: string, faults: Faults): void {
  // Advice costs far more than a fault: an event with 256 such keys must not buy it for each.
  if (faults.length >= limits.faultsPerEventMax) return;
  if (forbiddenKeys.has(key)) return fault(faults, "forbidden_key", "", "must not have a key __proto__, constructor or prototype: remove it");
  const pointer = key.length > limits.pointerKeyLengthMax || !key.isWellFormed() ? "" : `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  fault(faults, "unknown_field", pointer, pointer === "" ? `has a key that ${adviceFor(key)}` : adviceFor(key));
}

function adviceFor(key: string): string {
  if (serverFields.has(key)) return "is set by the server: leave it out";
  const word = key.slice(0, limits.pointerKeyLengthMax).replace(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll("-", "_").toLowerCase();
  const meant = knownFields.has(word) ? word : elsewhere.get(word) ?? nearest(word, [...knownFields.keys()]);
  return meant === undefined
    ? "is not a field of an event: put it into context"
    : `is not a field of an event: did you mean ${meant}? Anything else goes into context`;
}

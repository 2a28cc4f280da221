import { readContext } from "./context-rule.ts";
import type { AuditEvent, ServerField } from "./event.ts";
import { counterRule, durationRule, type FieldRule, ipAddressRule, resultRule, textRule, timeRule, typeNameRule, uuidRule } from "./field-rules.ts";
import { limits } from "./limits.ts";

/** A field that a caller may send. */
export type FieldName = Exclude<keyof AuditEvent, ServerField>;

const indexed = textRule(limits.indexedBytesMax);

/** The rule of every field that a caller may send; the one list of them. */
export const fieldRules: { readonly [Name in FieldName]: FieldRule<string | number> } = {
  id: uuidRule,
  tenant_id: uuidRule,
  occurred_at: timeRule,
  source: typeNameRule,
  actor_id: indexed,
  actor_type: typeNameRule,
  event_type: typeNameRule,
  object_type: typeNameRule,
  object_id: indexed,
  result: resultRule,
  message: textRule(limits.messageBytesMax),
  duration_ms: durationRule,
  context: readContext,
  ip_address: ipAddressRule,
  user_agent: textRule(limits.userAgentBytesMax),
  device_fingerprint: indexed,
  request_id: indexed,
  producer_id: indexed,
  producer_seq: counterRule,
};

/** Other names that are accepted at the door and never produced. */
export const fieldAliases = { timestamp: "occurred_at", operator: "actor_id", operation_type: "event_type", extra_info: "context" } as const;

/** A field under one of the names it may be sent by. */
export type KnownField = { readonly name: FieldName; readonly pointer: string; readonly rule: FieldRule<string | number> };

/** Every name a caller may use, aliases too. A Map, because a body's keys may be those of Object.prototype. */
export const knownFields: ReadonlyMap<string, KnownField> = new Map([
  ...Object.keys(fieldRules).map((name) => [name, known(name, name as FieldName)] as const),
  ...Object.entries(fieldAliases).map(([alias, name]) => [alias, known(alias, name)] as const),
]);

function known(spelling: string, name: FieldName): KnownField {
  return { name, pointer: `/${spelling}`, rule: fieldRules[name] };
}

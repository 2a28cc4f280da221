import type { AuditEvent, Json } from "./event.ts";
import type { Condition, Filter } from "./query-filter.ts";
import { isAscii, wordFields } from "./query-filter.ts";
import { isInNetwork } from "./query-network.ts";

/**
 * True if `event` is one that `filter` asks for; softly deleted events are the caller's business. What Postgres answers for hot events, this
 * answers for those read from archives: a test compares the two on random filters.
 */
export function matches(filter: Filter, event: AuditEvent): boolean {
  return event.tenant_id === filter.tenantId && event.occurred_at >= filter.from && event.occurred_at <= filter.to &&
    filter.conditions.every((condition) => holds(condition, event) !== condition.negated);
}

function holds(condition: Condition, event: AuditEvent): boolean {
  switch (condition.kind) {
    case "text":
      return isOneOf(event[condition.field], condition);
    case "id":
      return condition.values.includes(event.id);
    case "result":
      return condition.values.includes(event.result);
    case "ip": {
      const address = event.ip_address;
      return address !== undefined && condition.networks.some((network) => isInNetwork(address, network));
    }
    case "duration": {
      const duration = event.duration_ms;
      return duration !== undefined && duration >= (condition.min ?? 0) && duration <= (condition.max ?? Infinity);
    }
    case "context":
      return isOneOf(textAt(event.context, condition.path), condition);
    case "words":
      return wordFields.some((field) => holdsWords(event[field], condition.text));
  }
}

/** Words in ASCII find ASCII letters in either case; a Kelvin sign is no k. */
function holdsWords(value: string | undefined, words: string): boolean {
  if (value === undefined) return false;
  if (!isAscii(words)) return value.toLowerCase().includes(words.toLowerCase());
  const lowered = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return lowered(value).includes(lowered(words));
}

function isOneOf(value: string | undefined, { values, prefixes }: { readonly values: readonly string[]; readonly prefixes: readonly string[] }): boolean {
  return value !== undefined && (values.includes(value) || prefixes.some((prefix) => value.startsWith(prefix)));
}

/** The value at `path` as Postgres' `#>>` gives it: strings bare, numbers and booleans as JSON; objects, lists and nothing match nothing. */
function textAt(context: Json | undefined, path: readonly string[]): string | undefined {
  let value = context;
  for (const step of path) {
    if (Array.isArray(value)) value = /^-?\d{1,9}$/.test(step) ? value.at(Number(step)) : undefined;
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, step)) value = (value as { readonly [key: string]: Json })[step];
    else return undefined;
  }
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

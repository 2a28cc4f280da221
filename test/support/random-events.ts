import { v7 } from "uuid";
import type { AuditEvent, Json } from "../../core/event.ts";
import { canonicalJson } from "../../core/format/canonical-json.ts";
import { leafOf } from "../../core/leaf.ts";
import type { EventRow } from "../../core/ports.ts";
import { canary } from "./canary.ts";
import { sha256 } from "./sha256.ts";

/** A small seeded generator (xorshift32): a failing seed can be run again. */
export function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 4_294_967_296;
  };
}

const words = [
  `alpha ${canary}`,
  "Übergröße",
  "東京",
  "😀👍🏽",
  'quo"te\\',
  "new\nline\ttab",
  "\u0001\u001f\u007f",
  "</script>",
  "",
  "e\u0301 é",
  "a".repeat(200),
  "\u2028",
];
const addresses = ["192.0.2.7", "2001:db8::1", "::1", "::102:304", "fe80::1:0:0:1", "255.255.255.255", "::", "64:ff9b::c000:221"];
const numbers = [0, 1, -1, 0.1, 1e21, 1e-7, 1.5e300, -9_007_199_254_740_991, 9_007_199_254_740_991, 333_333_333.333_333_3, 1e-30, 5e-7];

export type RandomEventOptions = { readonly tenantIds: readonly string[]; readonly receivedAt?: Date; readonly principal?: string };

/** `count` events as a door would store them, of every shape: each optional field absent or not, texts and numbers that canonical forms stumble over. */
export function randomEvents(random: () => number, count: number, options: RandomEventOptions): AuditEvent[] {
  const receivedAt = options.receivedAt ?? new Date();
  return Array.from({ length: count }, () => randomEvent(random, receivedAt, options));
}

function randomEvent(random: () => number, receivedAt: Date, { tenantIds, principal }: RandomEventOptions): AuditEvent {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const maybe = <T>(field: string, value: () => T) => random() < 0.6 ? { [field]: value() } : {};
  const at = receivedAt.getTime() - Math.floor(random() * 3_600_000);
  return {
    tenant_id: pick(tenantIds),
    occurred_at: new Date(at).toISOString(),
    id: v7({ msecs: at }),
    received_at: receivedAt.toISOString(),
    principal: principal ?? "key:test00000001",
    event_type: pick(["user.login", "order.created", "x/y:z"]),
    result: pick(["success", "failure", "warning"] as const),
    ...maybe("source", () => pick(["checkout", "crm.eu-1"])),
    ...maybe("actor_id", () => `user-${Math.floor(random() * 50)}${pick(words)}`),
    ...maybe("actor_type", () => "user"),
    ...maybe("object_type", () => "order"),
    ...maybe("object_id", () => `order-${Math.floor(random() * 500)}`),
    ...maybe("message", () => pick(words) + pick(words)),
    ...maybe("duration_ms", () => Math.floor(random() * 2_147_483_647)),
    ...maybe("context", () => Object.fromEntries(Array.from({ length: Math.floor(random() * 6) }, (_, i) => [`${pick(words)}${i}`, randomJson(random, 3)]))),
    ...maybe("ip_address", () => pick(addresses)),
    ...maybe("user_agent", () => `Mozilla/5.0 ${pick(words)}`),
    ...maybe("device_fingerprint", () => Math.floor(random() * 1e9).toString(16)),
    ...maybe("request_id", () => `req-${Math.floor(random() * 1e9)}`),
    ...maybe("producer_id", () => `node-${Math.floor(random() * 5)}`),
    ...maybe("producer_seq", () => Math.floor(random() * 9_007_199_254_740_991)),
  } as AuditEvent;
}

function randomJson(random: () => number, depth: number): Json {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const kind = Math.floor(random() * (depth > 0 ? 7 : 4));
  if (kind === 0) return pick(words);
  if (kind === 1) return random() < 0.5 ? pick(numbers) : Math.floor(random() * 1e6) / 100;
  if (kind === 2) return random() < 0.5;
  if (kind === 3) return null;
  if (kind === 4) return Array.from({ length: Math.floor(random() * 4) }, () => randomJson(random, depth - 1));
  return Object.fromEntries(Array.from({ length: Math.floor(random() * 5) }, (_, i) => [`${pick(words)}${i * 7}`, randomJson(random, depth - 1)]));
}

/** The row that a door would insert for `event`. */
export function eventRow(event: AuditEvent): EventRow {
  const contextJson = event.context === undefined ? undefined : canonicalJson(event.context as Json);
  return { event, contextJson, leafHash: sha256.hex(`\0${leafOf(event, contextJson)}`) };
}

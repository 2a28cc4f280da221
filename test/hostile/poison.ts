import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { countStoredRows } from "../support/history-rows.ts";
import { makeId } from "../support/load-client.ts";
import type { Door } from "./door.ts";

/** Events that a database, a driver or a careless parser would choke on, as JSON text; each must cost only itself. */
export const poisons: readonly (readonly [code: string, text: string])[] = [
  ["nul_character", '{"event_type":"a.b","message":"a\\u0000b"}'],
  ["nul_character", '{"event_type":"a.b","context":{"a\\u0000":1}}'],
  ["lone_surrogate", '{"event_type":"a.b","actor_id":"\\ud800"}'],
  ["lone_surrogate", '{"event_type":"a.b","context":{"a":["\\udc00"]}}'],
  ["number_out_of_range", '{"event_type":"a.b","context":{"a":1e400}}'],
  ["number_out_of_range", '{"event_type":"a.b","context":{"a":9007199254740993}}'],
  ["forbidden_key", '{"event_type":"a.b","context":{"__proto__":{"a":1}}}'],
  ["too_deep", `{"event_type":"a.b","context":${'{"a":'.repeat(40)}1${"}".repeat(40)}}`],
  ["too_long", `{"event_type":"a.b","actor_id":"${"x".repeat(5000)}"}`],
  [
    "event_too_large",
    `{"event_type":"a.b","tenant_id":"123e4567-e89b-12d3-a456-426614174000","message":"${"\\u0001".repeat(8192)}","context":{"a":"${"x".repeat(32_000)}"}}`,
  ],
  ["invalid_value", '{"event_type":"a.b","occurred_at":"infinity"}'],
  ["time_too_new", '{"event_type":"a.b","occurred_at":"9999-12-31T23:59:59Z"}'],
  ["time_too_old", '{"event_type":"a.b","occurred_at":"0001-01-01T00:00:00Z"}'],
  ["invalid_value", '{"event_type":"a.b","ip_address":"fe80::1%eth0"}'],
  ["invalid_value", '{"event_type":"a.b","id":"{123e4567-e89b-12d3-a456-426614174000}"}'],
  ["invalid_value", '{"event_type":"a.b","tenant_id":"not-a-uuid"}'],
  ["unknown_field", '{"event_type":"a.b","seq":1}'],
  ["required", "{}"],
  ["invalid_type", "null"],
  ["invalid_type", '[{"event_type":"a.b"}]'],
];

/** A batch of 1000 with one poison at `position`: 999 are stored, that one is named, and nothing else is touched. */
export async function poisonAt(door: Door, position: number): Promise<void> {
  const [code, poison] = poisons[position % poisons.length] ?? ["", ""];
  const tenantId = randomUUID();
  const nowMs = Date.now();
  const texts = Array.from({ length: 1000 }, (_, index) => {
    const event = { id: makeId(nowMs - index, Math.random), tenant_id: tenantId, event_type: "poison.neighbour", object_id: String(index) };
    return index === position ? poison : JSON.stringify(event);
  });
  const answer = await door.post(`{"events":[${texts.join(",")}]}`);
  expect(answer.status, answer.text.slice(0, 300)).toBe(207);
  expect([answer.body.created_count, answer.body.rejected_count]).toEqual([999, 1]);
  const refused = (answer.body.results ?? []).filter((result) => result.status !== "created");
  expect(refused.map((result) => [result.index, result.status, result.error?.code])).toEqual([[position, "rejected", code]]);
  expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(999);
}

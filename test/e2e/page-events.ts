import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { mapCloudTrailRecord, readCloudTrail, shiftToDay } from "../../scripts/map-cloudtrail.ts";
import type { LocalFile } from "../support/stack.ts";

export type NewEvent = Readonly<Record<string, unknown>>;

const folder = process.env["AUDIT_SAMPLE_DIR"] ?? fileURLToPath(new URL("../../../shared/data/cloudtrail", import.meta.url));

/** The real CloudTrail events, where they are to be had. */
export function cloudTrailEvents(tenantId: string): readonly NewEvent[] {
  if (!existsSync(folder)) return [];
  const records = readCloudTrail(folder);
  const shiftMs = shiftToDay(records, new Date(Date.now() - 86_400_000).toISOString().slice(0, 10));
  return records.map((record) => mapCloudTrailRecord(record, tenantId, shiftMs));
}

/** Strings that want to be markup, to turn the text around, to break a line or to be a formula. */
export const hostileEvents: readonly NewEvent[] = [
  {
    event_type: "hostile.markup",
    actor_id: '<script>document.title="1"</script>',
    message: '<img src=x onerror="document.title=1">',
    object_type: "a".repeat(100),
    result: "failure",
    context: { before: { "<b>x</b>": "<i>1</i>" }, after: { "<b>x</b>": "</td></tr></table><script>document.title=2</script>" } },
  },
  { event_type: "hostile.bidi", actor_id: "annex\u202Egnp.exe", object_type: "file", object_id: "\u2066invoice\u202Efdp.exe", message: "zero\u200Bwidth" },
  {
    event_type: "hostile.long",
    actor_id: "x".repeat(250),
    object_id: "W".repeat(250),
    request_id: "r".repeat(250),
    message: "m".repeat(8000),
    user_agent: "u".repeat(2000),
  },
  { event_type: "hostile.rtl", actor_id: "مستخدم-١٢٣", object_type: "order", object_id: "שלום", message: "رفض المصدر البطاقة לא אושר" },
  { event_type: "hostile.formula", actor_id: '=HYPERLINK("http://x")', message: "line one\r\nline two\u0007" },
];

/** What one tenant's applications do in some days, with numbers that two of its producers lost. */
export function officeEvents(nowMs: number): readonly NewEvent[] {
  const types = ["order.updated", "order.created", "user.login", "config.updated", "cache_refresh"];
  return Array.from({ length: 300 }, (_, index) => ({
    occurred_at: new Date(nowMs - (300 - index) * 1_800_000).toISOString(),
    event_type: types[index % 5],
    actor_id: ["alice@example.com", "bob@example.com", "carol@example.com", "svc-billing"][index % 4],
    actor_type: index % 4 === 3 ? "service" : "user",
    ...index % 5 < 2 ? { object_type: "order", object_id: `order-${index % 37}` } : {},
    ...index % 5 === 0 ? { context: { before: { total: 150, status: "open" }, after: { total: 175.5, status: "open", note: "gift" } } } : {},
    source: ["frontend", "api-service", "background-job"][index % 3],
    result: index % 17 === 0 ? "failure" : index % 13 === 0 ? "warning" : "success",
    ...index % 17 === 0 ? { message: "Card declined by issuer" } : {},
    duration_ms: (index * 37) % 900,
    ip_address: `10.1.${index % 4}.${index % 250 + 1}`,
    producer_id: `web-${index % 2 + 1}`,
    producer_seq: Math.floor(index / 2) + 1 + (index > 150 ? 3 : 0),
  }));
}

/** Posts events through the door, a batch of at most 1000 a call; waits when the quota is used up, and throws unless each event is stored. */
export async function post(local: LocalFile, tenant: number, events: readonly NewEvent[]): Promise<void> {
  const headers = { authorization: `Bearer ${local.tenants[tenant]?.api_keys.ingest}`, "content-type": "application/json" };
  for (let start = 0; start < events.length;) {
    const body = JSON.stringify({ events: events.slice(start, start + 1000) });
    const answer = await fetch(`${local.url}/functions/v1/audit-logger`, { method: "POST", headers, body });
    if (answer.status === 201) start += 1000;
    else if (answer.status !== 429) throw new Error(`post events: the door answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    else await new Promise((resolve) => setTimeout(resolve, Number(answer.headers.get("retry-after") ?? 1) * 1000));
    await answer.body?.cancel().catch(() => undefined);
  }
}

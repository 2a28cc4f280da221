/** Bodies of up to 4 MiB that keep every limit and are as dear as they can be: to parse, to walk, to sort, to escape, or to find fault with. */
export function costlyBodies(tenantId: string): ReadonlyMap<string, string> {
  const event = (context: string) => `{"event_type":"costly.sent","tenant_id":"${tenantId}","context":${context}}`;
  const list = (item: string, count: number) => event(`{"a":[${Array(count).fill(item).join(",")}]}`);
  const object = (members: readonly string[]) => `{${members.join(",")}}`;
  const keys = (count: number, value: string, prefix: string) => Array.from({ length: count }, (_, n) => `"${prefix}${(n * 7919) % count}":${value}`);
  return new Map([
    ["small numbers", filled(list("1", 2000))],
    ["fractions", filled(list("0.1", 1000))],
    ["numbers of many digits", filled(list("0.12345678901234567", 200))],
    ["empty objects", filled(list("{}", 1300))],
    ["empty lists", filled(list("[]", 1300))],
    ["empty strings", filled(list('""', 1300))],
    ["objects of 256 keys", filled(event(object(keys(256, "{}", "k"))))],
    ["the deepest nesting", filled(list('{"a":'.repeat(29) + "1" + "}".repeat(29), 20))],
    ["keys with escapes", filled(event(object(keys(250, "1", "\\n"))))],
    ["values of escapes", filled(`{"event_type":"a.b","tenant_id":"${tenantId}","message":"${"\\n".repeat(2040)}"}`)],
    ["escapes", filled(event(`{"a":"${"\\u0001".repeat(650)}"}`))],
    ["surrogate pairs", filled(event(`{"a":"${"\\ud83d\\ude00".repeat(300)}"}`))],
    ["unknown fields", filled(object(keys(250, "1", "unknown")))],
    ["fields that are nearly known", filled(object(keys(250, "1", "actor_i")))],
    ["numbers that are refused", filled(list("1e400", 700))],
    ["keys that are refused", filled(event(object(keys(250, "1", "\\u0000"))))],
    ["text that is refused", filled(`{"event_type":"${"a b".repeat(1300)}"}`)],
    ["one event of a million strings", `{"events":[${list('""', 1_000_000)}]}`],
    ["no event at all, 4 MiB of lists", `{"events":[${Array(1000).fill(`[${"[],".repeat(1300)}[]]`).join(",")}]}`],
    ["times of many digits", filled(`{"event_type":"a.b","occurred_at":"2026-11-22T00:00:00.${"9".repeat(4000)}Z"}`)],
    ["addresses of colons", filled(`{"event_type":"a.b","ip_address":"${":".repeat(4000)}"}`)],
  ]);
}

/** As many copies of an event as a body may hold. */
function filled(event: string): string {
  const count = Math.min(1000, Math.floor((4 * 1024 * 1024 - 20) / (event.length + 1)));
  return `{"events":[${Array(count).fill(event).join(",")}]}`;
}

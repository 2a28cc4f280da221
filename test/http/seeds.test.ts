import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishableKey, secretKey, signToken } from "../support/tokens.ts";
import { type Answer, type Door, openDoor, post, tenantA } from "./door.ts";

/** The order system's bulk sample, whose events its Edge Function sample leaves to the reader. */
const orderSample = `{
  "events": [
    {
      "tenant_id": "123e4567-e89b-12d3-a456-426614174000",
      "actor_id": "user-123",
      "actor_type": "USER",
      "object_type": "ORDER",
      "object_id": "order-456",
      "event_type": "CREATE",
      "context": {"order_total": 150.00},
      "ip_address": "192.168.1.1"
    }
  ]
}`;

/** Its call of the Edge Function over HTTP. */
const httpSample = `POST https://your-project.supabase.co/functions/v1/audit-logger
Authorization: Bearer YOUR_ANON_KEY
Content-Type: application/json

${orderSample}`;

/** Its call from a page. */
const scriptSample = `
const response = await fetch('https://your-project.supabase.co/functions/v1/audit-logger', {
  method: 'POST',
  headers: {
    'Authorization': \`Bearer \${supabaseAnonKey}\`,
    'Content-Type': 'application/json'
  },
  body: JSON.stringify({
    events: auditEvents
  })
});

const result = await response.json();
console.log(\`Logged \${result.created_count} events\`);
`;

const placeholderUrl = "https://your-project.supabase.co/functions/v1/audit-logger";
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

/** Runs the page's sample as it stands, with the project's URL in its place; what it printed. */
async function runScript(url: string, key: string): Promise<string> {
  const printed: string[] = [];
  const run = new AsyncFunction("supabaseAnonKey", "auditEvents", "console", scriptSample.replace(placeholderUrl, url));
  await run(key, JSON.parse(orderSample).events, { log: (line: string) => printed.push(line) });
  return printed.join("\n");
}

/** Sends the HTTP sample as it stands, with URL and key in the placeholders' places. */
async function runHttp(url: string, key: string): Promise<Answer> {
  const [head = "", body = ""] = httpSample.replace(placeholderUrl, url).replace("YOUR_ANON_KEY", key).split(/\n\n([^]*)/);
  const [request = "", ...lines] = head.split("\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]));
  expect(request).toBe(`POST ${url}`);
  return await post(url, body, { ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])) });
}

const stored = {
  tenant_id: "123e4567-e89b-12d3-a456-426614174000",
  actor_id: "user-123",
  actor_type: "user",
  object_type: "order",
  object_id: "order-456",
  event_type: "create",
  context: { order_total: 150 },
  ip_address: "192.168.1.1",
  result: "success",
};

describe("the order system's samples", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor()));
  afterAll(() => door.close());

  it("work over HTTP with a user's token, a secret key or a key of ours in the place of the key", async () => {
    const user = await signToken({ app_metadata: { tenant_id: tenantA } });
    const key = (await door.makeKey(tenantA, ["ingest"])).text;
    for (const credential of [user, secretKey, key]) {
      const answer = await runHttp(door.url, credential);
      expect([answer.status, answer.body.created_count]).toEqual([201, 1]);
      const [row] = await door.stored(`id = '${answer.body.results[0]?.id}'`);
      expect(row?.event).toMatchObject(stored);
    }
  });

  it("work in a page with a user's token", async () => {
    expect(await runScript(door.url, await signToken({ app_metadata: { tenant_id: tenantA } }))).toBe("Logged 1 events");
  });

  it("do not work with the anon key, which anybody has", async () => {
    const rows = (await door.stored()).length;
    expect((await runHttp(door.url, publishableKey)).status).toBe(401);
    expect(await runScript(door.url, publishableKey)).toBe("Logged undefined events");
    expect(await door.stored()).toHaveLength(rows);
  });
});

describe("the order system's samples, with AUDIT_ANON_TENANT_ID", () => {
  let door: Door;
  const legacyAnonKey = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJlLW9mLWEtbGVnYWN5LWtleQ";
  beforeAll(async () => {
    door = await openDoor({ env: { AUDIT_ANON_TENANT_ID: tenantA, SUPABASE_ANON_KEY: legacyAnonKey } });
  });
  afterAll(() => door.close());

  it("work as they stand with the anon key, new or legacy", async () => {
    for (const key of [publishableKey, legacyAnonKey]) {
      const answer = await runHttp(door.url, key);
      expect([answer.status, answer.body.created_count, answer.body.principal]).toEqual([201, 1, "anon"]);
      expect(await runScript(door.url, key)).toBe("Logged 1 events");
    }
    expect(await door.stored()).toHaveLength(4);
    for (const { event } of await door.stored()) expect(event).toMatchObject({ ...stored, principal: "anon" });
  });

  it("do not work with a JWT that only looks like the legacy anon key", async () => {
    expect((await runHttp(door.url, `${legacyAnonKey.slice(0, -1)}A`)).status).toBe(401);
  });
});

describe("the platform's audit table", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor({ env: { AUDIT_DEFAULT_TENANT_ID: tenantA } })));
  afterAll(() => door.close());

  it("has its columns taken as they are, every one of its types included", async () => {
    const types = ["stock_price_download", "stock_data_retrieval", "scan_process", "config_update", "data_cleanup", "cache_refresh"];
    const sources = ["api-service", "stock-data-service", "frontend", "background-job", "system"];
    const results = ["success", "failure", "warning"];
    const timestamp = new Date(Date.now() - 5000).toISOString();
    const rows = types.map((operation_type, index) => ({
      id: crypto.randomUUID(),
      timestamp,
      source: sources[index % sources.length],
      operator: "somebody@example.com",
      operation_type,
      result: results[index % results.length],
      message: "Successfully downloaded data for ACME",
      extra_info: { symbol: "ACME", records_count: 100 },
    }));
    const answer = await door.post(rows);
    expect([answer.status, answer.body.created_count]).toEqual([201, rows.length]);
    expect((await door.stored()).map(({ event }) => event)).toEqual(rows.map((row) => ({
      tenant_id: tenantA,
      occurred_at: timestamp,
      id: row.id,
      received_at: answer.body.received_at,
      principal: "secret:default",
      source: row.source,
      actor_id: row.operator,
      event_type: row.operation_type,
      result: row.result,
      message: row.message,
      context: row.extra_info,
    })));
  });
});

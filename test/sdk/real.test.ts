import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuditClient } from "../../sdk/src/index.ts";
import { createQueryClient } from "../../sdk/src/query.ts";
import { hasItsLeafHash } from "../../sdk/src/verify.ts";
import { secretKey } from "../support/tokens.ts";
import { tenantA, tenantB, tokenOf } from "../api/service.ts";
import { type RealServer, startRealServer } from "./real-server.ts";

let real: RealServer;
beforeAll(async () => void (real = await startRealServer()));
afterAll(async () => await real.stop());

describe("a client at the real doors", () => {
  it("stores one by one, few by the API, many by the function, and verifies every receipt", async () => {
    await using client = createAuditClient({ url: real.url, apiKey: real.key, source: "Shop", verifyReceipts: true, environment: {} });
    await expect(client.logEvent({ event_type: "Order.Created", object_id: "one", duration_ms: 1.5, ip_address: "::ffff:192.0.2.7" })).resolves.toMatchObject({
      status: "created",
      receipt: "verified",
    });
    const few = await client.logHighVolumeEvents(Array.from({ length: 50 }, (_, index) => ({ event_type: "few", object_id: String(index) })));
    expect(few).toMatchObject({ createdCount: 50, method: "api" });
    const many = await client.logHighVolumeEvents(
      Array.from({ length: 2500 }, (_, index) => ({ event_type: "many", object_id: String(index), context: { index, text: "ü€😀" } })),
    );
    expect(many).toMatchObject({ createdCount: 2500, method: "edge" });
    expect(new Set([...few.results, ...many.results].map(({ receipt }) => receipt))).toEqual(new Set(["verified"]));
    expect((await real.stored("many")).length).toBe(2500);
  });

  it("is told duplicates and conflicts by their identity, with receipts that hold", async () => {
    await using client = createAuditClient({ url: real.url, apiKey: real.key, verifyReceipts: true, environment: {} });
    const event = { id: "019ab2c3-0000-7000-8000-000000000001", occurred_at: new Date(), event_type: "same", producer_id: "mine", producer_seq: 1 };
    await expect(client.logEvent(event)).resolves.toMatchObject({ status: "created", receipt: "verified" });
    await expect(client.logEvent(event)).resolves.toMatchObject({ status: "duplicate", receipt: "verified" });
    await expect(client.logEvent({ ...event, message: "other" })).rejects.toMatchObject({ name: "AuditRejectedError", code: "conflict" });
  });

  it("loses only the event that the server refuses, and knows why", async () => {
    const rejected: string[] = [];
    await using client = createAuditClient({
      url: real.url,
      apiKey: real.key,
      environment: {},
      onRejected: (event, { code, pointer }) => void rejected.push(`${event.object_id} ${code} ${pointer}`),
    });
    const deep = JSON.parse(`${'{"a":'.repeat(70)}1${"}".repeat(70)}`);
    for (let index = 0; index < 100; index++) {
      client.logEventFireAndForget({
        event_type: "mixed",
        object_id: String(index),
        ...index === 7 ? { ip_address: "nowhere" } : {},
        ...index === 50 ? { context: { text: "\0" } } : {},
        ...index === 77 ? { context: deep } : {},
      });
    }
    await client.flush();
    expect(rejected.sort()).toEqual(["50 nul_character /context/text", "7 invalid_value /ip_address", expect.stringMatching(/^77 (too_deep|body_too_deep)/)]);
    expect((await real.stored("mixed")).length).toBe(97);
    expect(client.stats()).toMatchObject({ created: 97, rejected: 3, queued: 0 });
  });

  it("speaks for a user, whose address and agent the server fills in, and for any tenant with the secret key", async () => {
    await using user = createAuditClient({ url: real.url, getToken: () => tokenOf("viewer"), verifyReceipts: true, environment: {} });
    await expect(user.logEvent({ event_type: "by.user" })).resolves.toMatchObject({ status: "created", receipt: "verified" });
    await using server = createAuditClient({ url: real.url, apiKey: secretKey, tenantId: tenantB, verifyReceipts: true, environment: {} });
    await expect(server.logEvent({ event_type: "by.server" })).resolves.toMatchObject({ status: "created", receipt: "verified" });
    await using stranger = createAuditClient({ url: real.url, apiKey: real.key, tenantId: tenantB, environment: {} });
    await expect(stranger.logEvent({ event_type: "by.stranger" })).rejects.toMatchObject({ code: "tenant_forbidden" });
    await using nobody = createAuditClient({
      url: real.url,
      apiKey: "aud_000000000000_00000000000000000000000000000000000000",
      environment: {},
      onWarning: () => {},
    });
    await expect(nobody.logEvent({ event_type: "by.nobody" })).rejects.toMatchObject({ code: "unauthenticated" });
  });
});

describe("a query client at the real API", () => {
  it("lists, iterates, gets and exports what was stored, and every leaf hash is its own", async () => {
    const query = createQueryClient({ url: real.url, apiKey: real.key, tenantId: tenantA, verifyReceipts: true });
    const page = await query.events.list({ event_type: "many" }, { limit: 100 });
    expect(page.events).toHaveLength(100);
    expect(page.nextCursor).toBeDefined();
    const seen = new Set<string>();
    for await (const event of query.events.iterate({ event_type: "many" }, { limit: 1000 })) seen.add(event.object_id ?? "");
    expect(seen.size).toBe(2500);
    const [first] = page.events;
    expect(first && hasItsLeafHash(first)).toBe(true);
    await expect(query.events.get(first?.id ?? "", { at: first?.occurred_at ?? "" })).resolves.toMatchObject({
      id: first?.id,
      event_type: "many",
      source: "shop",
    });
    await expect(query.events.get("019ab2c3-0000-7000-8000-00000000dead")).resolves.toBeUndefined();
    await expect(query.events.list({ result: "maybe" as "success" })).rejects.toMatchObject({
      name: "AuditApiError",
      status: 400,
      errors: [{ pointer: "result" }],
    });
    for (const format of ["csv", "ndjson", "parquet"] as const) {
      let bytes = 0;
      let text = "";
      for await (const chunk of query.events.export({ event_type: "many" }, { format })) {
        bytes += chunk.length;
        if (format === "ndjson") text += new TextDecoder().decode(chunk);
      }
      expect(bytes).toBeGreaterThan(10_000);
      if (format === "ndjson") expect(text.trim().split("\n")).toHaveLength(2501);
    }
  });

  it("waits as long as it is told when its reads are above the quota, and has its answers all the same", async () => {
    const { text: apiKey } = await real.service.makeKey(tenantB, ["read"]);
    // So little that a machine under load still asks faster than it is given.
    await real.service.admin.query("select audit_log.set_rate_limits($1, null, null, 2, 1)", [tenantB]);
    const answers: { readonly status: number; readonly askedMs: number; readonly answeredMs: number; readonly waitMs: number }[] = [];
    const counting = async (url: string, init: RequestInit) => {
      const askedMs = performance.now();
      const response = await fetch(url, init);
      answers.push({ status: response.status, askedMs, answeredMs: performance.now(), waitMs: 1000 * Number(response.headers.get("retry-after") ?? 0) });
      return response;
    };
    const query = createQueryClient({ url: real.url, apiKey, runtime: { fetch: counting } });
    const isRefused = ({ status }: { readonly status: number }) => status === 429;
    for (let asked = 0; asked < 5000 && !answers.some(isRefused); asked++) await query.events.list({}, { limit: 1 });
    const [refused, next] = answers.slice(answers.findIndex(isRefused));
    expect(refused?.status).toBe(429);
    expect(refused?.waitMs).toBeGreaterThanOrEqual(1000);
    expect((next?.askedMs ?? 0) - (refused?.answeredMs ?? 0)).toBeGreaterThanOrEqual((refused?.waitMs ?? 0) - 5);
    expect(answers.at(-1)?.status).toBe(200);
  });
});

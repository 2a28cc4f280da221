import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { virtual } from "../test/virtual.ts";
import { audit, type AuditVariables } from "./hono.ts";

const headers = { "user-agent": "Mozilla/5.0", "x-forwarded-for": "203.0.113.7", "x-request-id": "r-1" };

describe("audit()", () => {
  it("gives handlers a client that knows who asked", async () => {
    const world = virtual();
    const app = new Hono<{ Variables: AuditVariables & { user: string } }>();
    app.use(audit(world.client, { context: (context) => ({ actor_id: context.get("user") as string }) }));
    app.use(async (context, next) => {
      context.set("user", "alice");
      await next();
    });
    app.post("/orders", (context) => context.json({ queued: context.var.audit.logEventFireAndForget({ event_type: "order.created" }) }));
    expect(await (await app.request("/orders", { method: "POST", headers })).json()).toEqual({ queued: true });
    await world.until(world.client.flush());
    expect(world.requests[0]?.events).toMatchObject([{
      actor_id: "alice",
      ip_address: "203.0.113.7",
      user_agent: "Mozilla/5.0",
      request_id: "r-1",
      event_type: "order.created",
    }]);
    expect(world.requests[0]?.events[0]?.["device_fingerprint"]).toMatch(/^[0-9a-f]{64}$/);
  });

  it("leaves the answer alone when its own options throw, and counts the event", async () => {
    const world = virtual();
    const app = new Hono<{ Variables: AuditVariables & { user?: { id: string } } }>();
    // The user is not there when authentication has refused the request.
    app.use(
      audit(world.client, { context: (context) => ({ actor_id: (context.get("user") as { id: string }).id }), event: () => ({ event_type: "http.request" }) }),
    );
    app.get("/secret", (context) => context.text("who are you?", 401));
    expect((await app.request("/secret")).status).toBe(401);
    expect(world.client.stats().dropped).toMatchObject({ total: 1, invalid: 1 });
  });

  it("logs the request itself with result and duration, also when it fails", async () => {
    const world = virtual();
    const app = new Hono<{ Variables: AuditVariables }>();
    app.use(
      audit(world.client, { event: (context) => context.req.path === "/health" ? undefined : { event_type: "http.request", object_id: context.req.path } }),
    );
    app.get("/health", (context) => context.text("ok"));
    app.get("/fine", (context) => context.text("ok"));
    app.get("/broken", () => {
      throw new Error("broken");
    });
    app.onError((_, context) => context.text("sorry", 500));
    for (const path of ["/health", "/fine", "/broken"]) await app.request(path);
    await world.until(world.client.flush());
    expect(world.requests[0]?.events).toMatchObject([
      { object_id: "/fine", result: "success", duration_ms: expect.any(Number) },
      { object_id: "/broken", result: "failure" },
    ]);
  });

  it("keeps an edge worker alive until the events are away", async () => {
    const world = virtual({ batchAgeMs: 60_000 });
    const promises: Promise<unknown>[] = [];
    const app = new Hono<{ Variables: AuditVariables }>();
    app.use(audit(world.client));
    app.get("/", (context) => context.text(String(context.var.audit.logEventFireAndForget({ event_type: "a" }))));
    const execution = { waitUntil: (promise: Promise<unknown>) => void promises.push(promise), passThroughOnException: () => {}, props: {} };
    await app.fetch(new Request("http://x/"), {}, execution);
    expect(promises).toHaveLength(1);
    await world.until(Promise.all(promises));
    expect(world.client.stats().created).toBe(1);
  });
});

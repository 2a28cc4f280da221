import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { sealAll } from "../api/seal-all.ts";
import { type NewEvent, type Service, type ServiceOptions, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { signToken } from "../support/tokens.ts";
import { type Frame, framesOf } from "./follow.ts";

const path = "/api/v1/audit/events/stream";

describe("GET /events/stream", () => {
  let log: TestLog;
  let service: Service;
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
  });
  afterAll(async () => {
    await service.stop();
    await log.close();
  });
  const store = async (tenantId: string, ...events: readonly NewEvent[]) => {
    const stored = await service.store(tenantId, events);
    await sealAll(log);
    return stored.map(({ id }) => id);
  };
  const startWith = (options: ServiceOptions) => startService({ database: log.database, ...options });
  /** The frames of one stream; `next` waits for one. */
  const follow = async (token: string, options: { readonly after?: string; readonly query?: string; readonly on?: Service } = {}) => {
    const headers = { authorization: `Bearer ${token}`, ...options.after === undefined ? {} : { "last-event-id": options.after } };
    const response = await (options.on ?? service).app.request(`${path}${options.query ?? ""}`, { headers });
    expect({ status: response.status, type: response.headers.get("content-type") }).toEqual({ status: 200, type: "text/event-stream; charset=utf-8" });
    const frames = framesOf(response);
    return {
      next: async (): Promise<Frame | undefined> => (await frames.next()).value,
      event: async () => {
        // No `for await`: leaving it would end the stream.
        for (let step = await frames.next(); !step.done; step = await frames.next()) if (step.value.data !== "") return JSON.parse(step.value.data);
        throw new Error("follow the log: it ended before the next event");
      },
      rest: async () => {
        const rest: Frame[] = [];
        for await (const frame of frames) rest.push(frame);
        return rest;
      },
      stop: () => frames.return(undefined),
    };
  };

  it("begins at the end of the log, tells its position before the first event, and hands out events as lists do", async () => {
    await store(tenantA, {}, {});
    const stream = await follow(await tokenOf("viewer"));
    const size = Number((await stream.next())?.id);
    expect(size).toBeGreaterThanOrEqual(2);
    const [id] = await store(tenantA, { message: "line one\nline two", actor_id: "alice" });
    const frame = await stream.next();
    expect(frame?.id).toBe(String(size + 1));
    const event = JSON.parse(frame?.data ?? "");
    const { json } = await service.ask("/events?limit=1", { as: await tokenOf("viewer") });
    const [listed] = (json as { readonly events: readonly Record<string, unknown>[] }).events;
    expect(event).toEqual({ ...listed, href: expect.any(String) });
    expect(event).toMatchObject({ id, message: "line one\nline two" });
    const one = await service.app.request(new URL(event.href, `http://localhost${path}`), { headers: { authorization: `Bearer ${await tokenOf("viewer")}` } });
    expect(await one.json()).toMatchObject({ event: { id } });
    await stream.stop();
  });

  it("shows a tenant nothing of another, wherever it stands", async () => {
    await store(tenantA, { actor_id: "own" });
    await store(tenantB, { actor_id: "foreign" });
    const stream = await follow(await tokenOf("viewer", [tenantB]), { after: "0" });
    expect((await stream.event()).tenant_id).toBe(tenantB);
    await stream.stop();
    const bounded = await startWith({ replace: () => ({ streamBounds: { ms: 1_000, eventsMax: 1_000, bytesMax: 1e6 } }) });
    const all = await (await follow(await tokenOf("viewer"), { after: "0", on: bounded })).rest();
    expect(all.filter(({ data }) => data.includes(tenantB))).toEqual([]);
    expect(all.filter(({ data }) => data.includes(tenantA)).length).toBeGreaterThan(1);
    expect((await service.ask(`/events/stream?tenant_id=${tenantB}`, { as: await tokenOf("viewer") })).status).toBe(403);
    await bounded.stop();
  });

  it("takes the filters of lists, and moves its position past what they leave out", async () => {
    const stream = await follow(await tokenOf("viewer"), { query: `?q=${encodeURIComponent("actor:bob* -result:failure")}&object_type=order` });
    const size = Number((await stream.next())?.id);
    await store(tenantA, { actor_id: "alice", object_type: "order" }, { actor_id: "bobby", object_type: "order", result: "failure" });
    // Views that earlier tests caused are recorded when they are, and may be sealed only now.
    const { rows } = await log.admin.query("select max(size)::int as size from audit_log.checkpoints where tenant_id = $1", [tenantA]);
    expect(rows[0].size).toBeGreaterThanOrEqual(size + 2);
    expect(await stream.next()).toEqual({ id: String(rows[0].size), data: "" });
    await store(tenantA, { actor_id: "bobby", object_type: "order", message: "found" });
    expect(await stream.event()).toMatchObject({ message: "found" });
    await stream.stop();
  });

  it("refuses positions that are none, that lie ahead of the log, and unknown parameters", async () => {
    const viewer = await tokenOf("viewer");
    for (const position of ["-1", "1e3", "999999999", "abc", "01", "9".repeat(30)]) {
      const { status, json } = await service.ask("/events/stream", { as: viewer, headers: { "last-event-id": position } });
      const told = { code: "invalid_cursor", detail: expect.stringMatching(/leave it out to/), errors: [{ pointer: "last-event-id" }] };
      expect({ status, json }, position).toMatchObject({ status: 400, json: told });
    }
    expect((await service.ask("/events/stream?limit=5", { as: viewer })).json).toMatchObject({ code: "unknown_parameter" });
    expect((await service.ask("/events/stream?include_deleted=true", { as: viewer })).status).toBe(403);
    expect((await service.ask("/events/stream", { as: viewer, method: "HEAD" })).text).toBe("");
  });

  it("says that events have been archived, instead of leaving them out", async () => {
    const third = "00000000-0000-4000-8000-00000000000c";
    const occurred_at = new Date(Date.now() - 5 * 86_400_000).toISOString();
    await store(third, { occurred_at }, {});
    const day = occurred_at.slice(0, 10).replaceAll("-", "");
    await log.admin.query(`alter table audit_log.events detach partition audit_log.events_${day}`);
    const stream = await follow(await tokenOf("viewer", [third]), { after: "1" });
    expect(await stream.event()).toBeDefined();
    await stream.stop();
    const refused = async () => await service.ask("/events/stream", { as: await tokenOf("viewer", [third]), headers: { "last-event-id": "0" } });
    expect(await refused()).toMatchObject({ status: 410, json: { code: "position_archived", errors: [{ pointer: "last-event-id" }] } });
    // Later their tiles go too; what is left of the tree begins behind them.
    await log.admin.query("alter table audit_log.tiles disable trigger all");
    await log.admin.query("delete from audit_log.tiles where tenant_id = $1", [third]);
    expect(await refused()).toMatchObject({ status: 410, json: { code: "position_archived" } });
  });

  it("ends when the credential is good no longer", async () => {
    let isRevoked = false;
    let elapsedMs = 0;
    const impatient = await startWith({
      replace: (parts) => ({
        elapsedMs: () => elapsedMs,
        authenticate: (request) => isRevoked ? Promise.reject(new AuditError("unauthenticated", "verify key: it is revoked")) : parts.authenticate(request),
      }),
    });
    const { text } = await service.makeKey(tenantA, ["read"]);
    const stream = await follow(text, { on: impatient });
    await stream.next();
    elapsedMs += limits.streamRecheckMs;
    const [before] = await store(tenantA, {});
    expect(await stream.event()).toMatchObject({ id: before });
    elapsedMs += limits.streamRecheckMs;
    isRevoked = true;
    await store(tenantA, {});
    expect(await stream.rest()).toEqual([]);
    expect(impatient.logs.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ event: "stream.ended", reason: "unauthenticated", principal: expect.stringMatching(/^key:/), tenant_id: tenantA }),
    );
    await impatient.stop();
  });

  it("lets a tenant open so many streams, takes their places back, and ends them when the process stops", async () => {
    const own = await startWith({});
    const viewer = await tokenOf("viewer");
    const streams = [];
    for (let count = 0; count < limits.streamsPerTenantMax; count++) streams.push(await follow(viewer, { on: own }));
    expect((await own.ask("/events/stream", { as: viewer })).json).toMatchObject({ code: "unavailable" });
    const other = await follow(await tokenOf("viewer", [tenantB]), { on: own });
    await other.next();
    await streams[0]?.next();
    await streams[0]?.stop();
    await streams[1]?.stop();
    const again = await follow(viewer, { on: own });
    await again.next();
    await own.stop();
    expect(await again.rest()).toEqual([]);
    expect(await other.rest()).toEqual([]);
  });

  it("is taken from a reader who takes no more and stays, and its place is free again", async () => {
    const response = await service.app.request(path, { headers: { authorization: `Bearer ${await tokenOf("viewer")}`, "x-request-id": "stalled-1" } });
    const reader = response.body?.getReader();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
      expect(service.parts.openStreams.get(tenantA)).toBe(1);
      vi.advanceTimersByTime(limits.streamStallMs);
    } finally {
      vi.useRealTimers();
    }
    await expect(reader?.read()).rejects.toThrow("takes no more");
    expect(service.parts.openStreams.get(tenantA)).toBeUndefined();
    expect(service.logs.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ event: "stream.ended", reason: "stalled", request_id: "stalled-1", events: 0 }),
    );
  });

  it("waits for events no longer once it has ended, whatever ended it", async () => {
    let isRevoked = false;
    const signals: AbortSignal[] = [];
    const own = await startWith({
      replace: (parts) => ({
        elapsedMs: () => signals.length * limits.streamRecheckMs,
        authenticate: (request) => isRevoked ? Promise.reject(new AuditError("unauthenticated", "verify key: it is revoked")) : parts.authenticate(request),
        feed: {
          size: () => Promise.resolve(0),
          next: (_scope, from, signal) => {
            signals.push(signal);
            return from === 0 ? Promise.resolve({ events: [], next: 1 }) : new Promise<never>(() => {});
          },
        },
      }),
    });
    const stream = await follow(await tokenOf("viewer"), { on: own });
    await stream.next();
    expect(await stream.next()).toEqual({ id: "1", data: "" });
    isRevoked = true;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const rest = stream.rest();
      await vi.advanceTimersByTimeAsync(limits.streamHeartbeatMs);
      expect(await rest).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
    expect(signals).toHaveLength(2);
    expect(signals[1]?.aborted).toBe(true);
    await own.stop();
  });

  it("refuses a token that has expired at the door", async () => {
    const expired = await signToken({ app_metadata: { tenant_ids: [tenantA], audit_role: "viewer" } }, { expiresInSeconds: -60 });
    expect((await service.ask("/events/stream", { as: expired })).status).toBe(401);
  });
});

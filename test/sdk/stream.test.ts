import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AuditError } from "../../core/errors.ts";
import { createAuditClient } from "../../sdk/src/index.ts";
import { createQueryClient, type QueryClientOptions, type StreamedEvent } from "../../sdk/src/query.ts";
import { sealAll } from "../api/seal-all.ts";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { type Service, startService, tenantA } from "../api/service.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { testEnvironment } from "../support/tokens.ts";

let log: TestLog;
let service: Service;
let server: ServerProcess;
let key: string;
const startApi = async () => void (server = await startServer(testEnvironment(log.database)));

beforeAll(async () => {
  log = await openLog();
  service = await startService({ database: log.database });
  key = (await service.makeKey(tenantA, ["ingest", "read"])).text;
  await startApi();
});
afterAll(async () => {
  await server.stop();
  await service.stop();
  await log.close();
});

/** The port changes when the server is started again; the client's address does not, as behind a load balancer. */
const toServer = (url: string, init: RequestInit) => fetch(url.replace("http://api", server.url), init);
const reader = (options: Partial<QueryClientOptions> = {}) =>
  createQueryClient({ url: "http://api", apiKey: key, verifyReceipts: true, runtime: { fetch: toServer }, ...options }).events;

/** Logs events `from` to `to` of a type with the SDK, and seals them: they are on the stream then. */
async function logSealed(type: string, from: number, to: number): Promise<void> {
  await using client = createAuditClient({ url: "http://api", apiKey: key, doors: "api", environment: {}, runtime: { fetch: toServer } });
  const events = Array.from({ length: to - from + 1 }, (_, index) => ({ event_type: type, object_id: String(from + index) }));
  expect(await client.logHighVolumeEvents(events)).toMatchObject({ createdCount: events.length, rejectedCount: 0 });
  await sealAll(log);
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

/** The next `count` events, which leaves the stream open. */
async function take(stream: AsyncGenerator<StreamedEvent>, count: number): Promise<StreamedEvent[]> {
  const taken: StreamedEvent[] = [];
  while (taken.length < count) {
    const { done, value } = await stream.next();
    if (done) throw new Error(`follow the log: it ended after ${taken.length} of ${count} events`);
    taken.push(value);
  }
  return taken;
}
const objectsOf = (events: readonly StreamedEvent[]) => events.map(({ event }) => event.object_id);

describe("events.stream() at the real API", () => {
  it("hands out what was logged, in order, with leaf hashes that hold, and resumes behind a position", async () => {
    await logSealed("followed", 1, 20);
    const all = await take(reader().stream({ event_type: "followed" }, { after: "0" }), 20);
    expect(objectsOf(all)).toEqual(numbers(1, 20));
    expect(all[0]?.event).toMatchObject({ tenant_id: tenantA, event_type: "followed", principal: expect.stringMatching(/^key:/) });
    await logSealed("passed.over", 1, 3);
    await logSealed("followed", 21, 25);
    const rest = reader().stream({ event_type: "followed" }, { after: all[14]?.position ?? "" });
    expect(objectsOf(await take(rest, 10))).toEqual(numbers(16, 25));
    await rest.return(undefined);
  });

  it("begins with what is sealed from now on, and ends when the caller does", async () => {
    await logSealed("before", 1, 3);
    const stop = new AbortController();
    const stream = reader().stream({}, { signal: stop.signal });
    const next = stream.next();
    // Whether the stream began before or behind an event is not to be seen from here: one of these comes after its beginning.
    let arrived = false;
    void next.then(() => arrived = true);
    for (let number = 1; !arrived && number < 50; number++) {
      await logSealed("after", number, number);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await next).value).toMatchObject({ event: { event_type: "after" } });
    stop.abort();
    while (!(await stream.next()).done);
  });

  it("gives each event once although the server is killed under it", async () => {
    await logSealed("survived", 1, 10);
    const stream = reader().stream({ event_type: "survived" }, { after: "0" });
    const seen = await take(stream, 10);
    for (const first of [11, 21]) {
      await server.stop();
      const more = take(stream, 10);
      await startApi();
      await logSealed("survived", first, first + 9);
      seen.push(...await more);
    }
    expect(objectsOf(seen)).toEqual(numbers(1, 30));
    expect(new Set(seen.map(({ position }) => position)).size).toBe(30);
    await stream.return(undefined);
  });

  it("goes on where the service ends a stream, and throws when the credential is good no longer", async () => {
    await logSealed("bounded", 1, 8);
    const [first] = await take(reader().stream({ event_type: "bounded" }, { after: "0" }), 1);
    let isRevoked = false;
    let connections = 0;
    const bounded = await startService({
      database: log.database,
      replace: (parts) => ({
        streamBounds: { ms: 60_000, eventsMax: 1, bytesMax: 1 },
        feed: { ...parts.feed, next: async (scope, leaf, signal) => onlyTwo(await parts.feed.next(scope, leaf, signal)) },
        authenticate: (request) => isRevoked ? Promise.reject(new AuditError("unauthenticated", "verify key: it is revoked")) : parts.authenticate(request),
      }),
    });
    try {
      const fetchInProcess = async (url: string, init: RequestInit) => {
        connections++;
        return await bounded.app.request(url, init);
      };
      const stream = reader({ runtime: { fetch: fetchInProcess } }).stream({ event_type: "bounded" }, { after: first?.position ?? "" });
      expect(objectsOf(await take(stream, 7))).toEqual(numbers(2, 8));
      expect(connections).toBeGreaterThanOrEqual(4);
      isRevoked = true;
      await expect(stream.next()).rejects.toMatchObject({ name: "AuditApiError", status: 401, code: "unauthenticated" });
    } finally {
      await bounded.stop();
    }
  });

  it("throws what the service says of a position that is none of its own", async () => {
    for (const after of ["999999999", "p4"]) {
      await expect(reader().stream({}, { after }).next()).rejects.toMatchObject({ name: "AuditApiError", status: 400, code: "invalid_cursor" });
    }
    await expect(reader({ apiKey: (await service.makeKey(tenantA, ["ingest"])).text }).stream().next()).rejects.toMatchObject({
      status: 403,
      code: "forbidden",
    });
  });
});

type Page = Awaited<ReturnType<Service["parts"]["feed"]["next"]>>;

/** At most two events of a page, so that bounded streams end often. */
function onlyTwo(page: Page): Page {
  const events = page.events.slice(0, 2);
  return events.length < page.events.length ? { ...page, events, next: (events.at(-1)?.leafIndex ?? 0) + 1 } : page;
}

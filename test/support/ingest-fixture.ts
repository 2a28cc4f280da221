import type { Caller } from "../../core/caller.ts";
import { createIngestHandler, type Door, type IngestHandlerParts } from "../../core/ingest-handler.ts";
import type { Log } from "../../core/ports.ts";
import { keepOutput } from "./kept-output.ts";
import { type MemoryEventStore, memoryEventStore } from "./memory-event-store.ts";
import { sha256 } from "./sha256.ts";

export const tenantA = "123e4567-e89b-12d3-a456-426614174000";
export const tenantB = "223e4567-e89b-12d3-a456-426614174000";

export const userOfA: Caller = { kind: "user", principal: "user:ann", tenants: [tenantA], scopes: new Set(["ingest"]), claims: {} };
export const keyOfA: Caller = { kind: "key", principal: "key:0123456789ab", tenants: [tenantA], scopes: new Set(["ingest"]), claims: {} };
export const secret: Caller = { kind: "secret", principal: "secret:default", tenants: "any", scopes: new Set(["ingest"]), claims: {} };
export const anonOfA: Caller = { kind: "anon", principal: "anon", tenants: [tenantA], scopes: new Set(["ingest"]), claims: {} };

/** One event's part of an answer, as a test reads it. */
export type Result = {
  readonly index: number;
  readonly id?: string;
  readonly occurred_at?: string;
  readonly status: string;
  readonly leaf_hash?: string;
  readonly stored?: Record<string, string>;
  readonly error?: { readonly code: string; readonly pointer: string; readonly message: string };
  readonly errors?: readonly { readonly code: string }[];
};
export type Body = Record<string, unknown> & { readonly results: readonly Result[]; readonly errors?: readonly { readonly pointer: string }[] };

/** The handler on a store in memory, with a clock that the test moves and random bytes that are counted. */
export type IngestFixture = {
  readonly store: MemoryEventStore;
  readonly logged: Parameters<Log>[0][];
  readonly waiting: Promise<unknown>[];
  /** Who calls from now on; an error is thrown by the authentication. */
  caller: Caller | Error;
  nowMs: number;
  readonly send: (request: Request) => Promise<Response>;
  readonly post: (body: unknown, headers?: Record<string, string>) => Promise<{ readonly response: Response; readonly body: Body }>;
};

export function ingestFixture(change: { readonly settings?: Partial<IngestHandlerParts["settings"]>; readonly door?: Door } = {}): IngestFixture {
  const store = memoryEventStore();
  const logged: Parameters<Log>[0][] = [];
  const waiting: Promise<unknown>[] = [];
  let drawn = 0;
  const keep = keepOutput("handler");
  const settings = {
    eventMaxAgeDays: 7,
    eventMaxAheadMinutes: 60,
    defaultTenantId: undefined,
    clientIpHeader: undefined,
    trustedProxies: [],
    allowedOrigins: "*" as const,
  };
  const parts: IngestHandlerParts = {
    authenticate: () => fixture.caller instanceof Error ? Promise.reject(fixture.caller) : Promise.resolve(fixture.caller),
    events: store,
    now: () => new Date(fixture.nowMs),
    elapsedMs: () => performance.now(),
    // Other bytes at every draw, yet the same in every run.
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.imul(++drawn, 0x9e3779b1) >>> 24),
    sha256,
    waitUntil: (promise) => waiting.push(promise),
    log: (record) => {
      logged.push(record);
      keep(`${JSON.stringify(record)}\n`);
    },
    settings: { ...settings, ...change.settings },
  };
  const send = createIngestHandler(parts, change.door ?? { method: "edge", eventsMax: 1000 });
  const fixture: IngestFixture = {
    store,
    logged,
    waiting,
    caller: keyOfA,
    nowMs: Date.parse("2026-11-22T12:00:00.000Z"),
    send,
    post: async (body, headers = {}) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const response = await send(
        new Request("http://x/audit-logger", { method: "POST", headers: { "content-type": "application/json", ...headers }, body: text }),
      );
      return { response, body: await response.json() };
    },
  };
  return fixture;
}

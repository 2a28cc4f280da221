import { createHash, randomUUID } from "node:crypto";
import pg from "pg";
import { columnTypes } from "../../adapters/postgres/column-types.ts";
import { eventColumns, rowToEvent } from "../../adapters/postgres/event-row.ts";
import { makeApiKey } from "../../core/api-key.ts";
import type { EventError, ProblemDetail } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { EventResult } from "../../core/ingest-answer.ts";
import { canary } from "../support/canary.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startFunction, type TestFunction, type TestFunctionOptions } from "../support/functions.ts";
import { learnSecret } from "../support/kept-output.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";

export const tenantA = "123e4567-e89b-12d3-a456-426614174000";
export const tenantB = "00000000-0000-4000-8000-00000000000b";

/** All that an answer of the door may hold; a test looks at what it expects. */
export type AnswerBody = {
  readonly created_count?: number;
  readonly duplicate_count?: number;
  readonly rejected_count?: number;
  readonly accepted_count?: number;
  readonly received_at: string;
  readonly principal: string;
  readonly results: readonly (EventResult & { readonly error?: EventError })[];
  readonly request_fields?: Partial<AuditEvent>;
  readonly timing: Readonly<Record<string, number>>;
  readonly request_id: string;
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly ProblemDetail[];
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: AnswerBody; readonly text: string };
export type StoredEvent = { readonly event: AuditEvent; readonly leafHash: string };

/** The real function in a Deno process of its own, over a database of its own. */
export type Door = {
  readonly url: string;
  readonly database: TestDatabase;
  readonly process: TestFunction;
  /** Posts a body, or events as a batch, as the project's server unless `headers` brings another credential. */
  post(body: string | Uint8Array | readonly unknown[] | Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Runs SQL as the superuser. */
  admin<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<readonly Row[]>;
  /** The events that are stored, in the order they were, read as the adapters read them. */
  stored(where?: string): Promise<readonly StoredEvent[]>;
  makeKey(tenantId: string, scopes: readonly string[], expiresAt?: string): Promise<{ readonly id: string; readonly text: string }>;
  /** The function's log lines, parsed. What tells of an answer may come a moment after it: whoever looks for a line waits for it. */
  log(): readonly Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
};

export type DoorOptions = Partial<TestFunctionOptions> & { readonly database?: TestDatabase };

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const database = options.database ?? await createDatabase();
  const running = await startFunction("audit-logger", { ...options, env: { ...testEnvironment(database), ...options.env } });
  const admin = new pg.Client({ connectionString: database.adminUrl, types: columnTypes });
  admin.on("error", () => {});
  await admin.connect();
  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => (await admin.query<Row>(text, values)).rows;
  return {
    url: running.url,
    database,
    process: running,
    post: (body, headers) => post(running.url, body, headers),
    admin: rows,
    async stored(where = "true") {
      const found = await rows<AuditEvent & { leaf_hash: Buffer }>(
        `select ${eventColumns.join(", ")}, leaf_hash from audit_log.events where ${where} order by seq`,
      );
      return found.map((row) => ({ event: rowToEvent(row), leafHash: row.leaf_hash.toString("hex") }));
    },
    async makeKey(tenantId, scopes, expiresAt) {
      const key = makeApiKey((length) => crypto.getRandomValues(new Uint8Array(length)));
      learnSecret("API key", key.text);
      const hash = createHash("sha256").update(key.text).digest();
      await rows("select audit_log.create_tenant($1, 'Test')", [tenantId]);
      await rows("select audit_log.create_key($1, $2, $3, 'a test', $4, $5)", [tenantId, key.id, hash, scopes, expiresAt ?? null]);
      return key;
    },
    // Without the last, which may be half a line.
    log: () => running.stderr().split("\n").slice(0, -1).filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)),
    async close() {
      await running.stop();
      await admin.end();
      if (options.database === undefined) await database.drop();
    },
  };
}

/** Posts to `url`; an empty header is left out. */
export async function post(url: string, body: Parameters<Door["post"]>[0], headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const credential = "authorization" in headers || "apikey" in headers ? {} : { apikey: secretKey };
  const all = Object.entries({ "content-type": "application/json", "user-agent": canary, ...credential, ...headers }).filter(([, value]) => value !== "");
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const sent = isRaw ? body : JSON.stringify(Array.isArray(body) ? { events: body } : body);
  const answer = await fetch(url, { method: "POST", headers: all as [string, string][], body: sent as BodyInit });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: parsed(text) };
}

function parsed(text: string): AnswerBody {
  try {
    return JSON.parse(text);
  } catch {
    return {} as AnswerBody;
  }
}

/** A valid event of tenant A with an id and a time, so that sending it twice is sending it again. */
export function event(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const own = { id: randomUUID(), tenant_id: tenantA, occurred_at: new Date(Date.now() - 1000).toISOString() };
  return { ...own, event_type: "order.created", message: canary, context: { card: canary }, ...changes };
}

/** Status, and the counts that are told: created, duplicate, rejected. */
export function summary({ status, body }: Answer): readonly (number | undefined)[] {
  return [status, body.created_count, body.duplicate_count, body.rejected_count];
}

/** Resolves when `condition` gives a value that is neither false nor undefined; throws after `timeoutMs`. */
export async function until<T>(condition: () => T | Promise<T>, timeoutMs = 30_000): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + timeoutMs;
  while (true) {
    const value = await condition();
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    if (performance.now() > end) throw new Error(`wait: the condition did not hold within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

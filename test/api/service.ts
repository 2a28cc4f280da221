import { createHash, randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { readSettings } from "../../adapters/environment.ts";
import { columnTypes } from "../../adapters/postgres/column-types.ts";
import { createApp } from "../../api/app.ts";
import type { ApiParts } from "../../api/context.ts";
import { createParts } from "../../api/parts.ts";
import { makeApiKey } from "../../core/api-key.ts";
import type { Scope } from "../../core/caller.ts";
import { canary } from "../support/canary.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { keepOutput, keepRefusal, learnCredentials, learnSecret } from "../support/kept-output.ts";
import { secretKey, signToken, testEnvironment } from "../support/tokens.ts";

export const tenantA = "123e4567-e89b-12d3-a456-426614174000";
export const tenantB = "00000000-0000-4000-8000-00000000000b";

export type Role = "viewer" | "auditor" | "admin";
export type Asked = {
  readonly as?: string | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};
export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string; readonly json: unknown };
export type NewEvent = Readonly<Record<string, unknown>>;

/** The real app over a real database, in this process. */
export type Service = {
  readonly app: ReturnType<typeof createApp>;
  readonly parts: ApiParts;
  readonly database: TestDatabase;
  /** The superuser's connection. */
  readonly admin: pg.Client;
  /** Lines that were logged. */
  readonly logs: readonly string[];
  /** Asks under `/api/v1/audit`, or anywhere for a path that begins with `//`. `as` is a bearer. */
  ask(path: string, asked?: Asked): Promise<Answer>;
  /** Stores events through the bulk door and gives the answer's results. */
  store(tenantId: string, events: readonly NewEvent[]): Promise<readonly { readonly id: string; readonly occurred_at: string; readonly leaf_hash: string }[]>;
  makeKey(tenantId: string, scopes: readonly Scope[], options?: { readonly expiresAt?: string }): Promise<{ readonly id: string; readonly text: string }>;
  /** Resolves when nothing runs in the background, such as records of reads. */
  settled(): Promise<void>;
  stop(): Promise<void>;
};

export type ServiceOptions = {
  readonly database?: TestDatabase;
  readonly env?: Readonly<Record<string, string>>;
  readonly exportBounds?: ApiParts["exportBounds"];
  readonly replace?: (parts: ApiParts) => Partial<ApiParts>;
};

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const database = options.database ?? await createDatabase();
  const logs: string[] = [];
  const keep = keepOutput("service", options.env);
  const background = new Set<Promise<unknown>>();
  const stopping = new AbortController();
  const waitUntil = (work: Promise<unknown>) => {
    background.add(work);
    work.finally(() => background.delete(work)).catch(() => undefined);
  };
  const settings = readSettings({ ...testEnvironment(database), ...options.env }, ["AUDIT_CURSOR_KEY"]);
  const made = createParts(settings, {
    exportBounds: options.exportBounds,
    streamBounds: undefined,
    stopping: stopping.signal,
    waitUntil,
    write: (line) => {
      logs.push(line);
      keep(`${line}\n`);
    },
  });
  const parts = { ...made.parts, ...options.replace?.(made.parts) };
  const app = createApp(parts);
  const admin = new pg.Client({ connectionString: database.adminUrl, types: columnTypes });
  admin.on("error", () => {});
  await admin.connect();

  const ask = asking(app);
  return {
    app,
    parts,
    database,
    admin,
    logs,
    ask,
    store: async (tenantId, events) => {
      const batch = { events: events.map((event) => ({ event_type: "test.done", tenant_id: tenantId, user_agent: canary, ...event })) };
      const { status, text } = await ask("/events", { method: "POST", as: secretKey, body: batch });
      if (status !== 201) throw new Error(`store test events: ${status} ${text}`);
      return JSON.parse(text).results;
    },
    makeKey: (tenantId, scopes, { expiresAt } = {}) => makeKey(admin, tenantId, scopes, expiresAt),
    settled: async () => {
      while (background.size > 0) await Promise.allSettled(background);
    },
    stop: async () => {
      stopping.abort();
      while (background.size > 0) await Promise.allSettled(background);
      keep(made.parts.metrics.text());
      await made.close();
      await admin.end();
      if (options.database === undefined) await database.drop();
    },
  };
}

/** Asks the app, and keeps what tells of leaks. */
function asking(app: Service["app"]): Service["ask"] {
  return async (path, asked = {}) => {
    const headers = new Headers({ "user-agent": canary, ...asked.headers });
    if (asked.as !== undefined) headers.set("authorization", `Bearer ${asked.as}`);
    if (asked.body !== undefined) headers.set("content-type", "application/json");
    learnCredentials(headers);
    const url = path.startsWith("//") ? path.slice(1) : `/api/v1/audit${path}`;
    const body = asked.body === undefined ? {} : { body: typeof asked.body === "string" ? asked.body : JSON.stringify(asked.body) };
    const response = await app.request(url, { method: asked.method ?? "GET", headers, ...body });
    const text = await response.text();
    keepRefusal(response, text);
    const isJson = /json/.test(response.headers.get("content-type") ?? "") && !/ndjson/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  };
}

async function makeKey(admin: pg.Client, tenantId: string, scopes: readonly Scope[], expiresAt: string | undefined) {
  const key = makeApiKey(randomBytes);
  learnSecret("API key", key.text);
  await admin.query("insert into audit_log.tenants (id, name) values ($1::uuid, $1::uuid::text) on conflict do nothing", [tenantId]);
  const hash = createHash("sha256").update(key.text).digest();
  await admin.query("insert into audit_log.api_keys (id, tenant_id, key_hash, name, scopes, expires_at) values ($1, $2, $3, 'test', $4, $5)", [
    key.id,
    tenantId,
    hash,
    scopes,
    expiresAt ?? null,
  ]);
  return key;
}

/** A user's token for `tenants`, with a subject of its own unless one is given. */
export function tokenOf(role: Role | undefined, tenants: readonly string[] = [tenantA], sub: string = randomUUID()): Promise<string> {
  return signToken({ sub, app_metadata: { tenant_ids: tenants, ...role === undefined ? {} : { audit_role: role } } });
}

/** Rows straight into the table, as the superuser: for volumes that would take the door too long. Their leaf hashes are of nothing. */
export async function seedEvents(
  admin: pg.Client,
  tenantId: string,
  count: number,
  options: { readonly days?: number; readonly endsAt?: Date } = {},
): Promise<void> {
  const endsAt = options.endsAt ?? new Date();
  const days = options.days ?? 1;
  const from = new Date(endsAt.getTime() - days * 86_400_000);
  await admin.query("select audit_log.ensure_partitions($1::date, $2::date)", [from.toISOString().slice(0, 10), endsAt.toISOString().slice(0, 10)]);
  await admin.query(
    `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id,
      result, message, duration_ms, context, leaf_hash)
    select $1, at, gen_random_uuid(), nextval('audit_log.event_seq'), at, 'key:seed', (array['web', 'api', 'batch'])[1 + n % 3], 'user-' || n % 1000, 'user',
      'order.' || (array['created', 'paid', 'shipped', 'cancelled'])[1 + n % 4], 'order', 'order-' || n / 10,
      (array['success', 'success', 'success', 'failure', 'warning'])[1 + n % 5], 'event number ' || n, n % 5000,
      case when n % 2 = 0 then jsonb_build_object('n', n) end, sha256(int8send(n))
    from generate_series(1, $2::bigint) as n
    cross join lateral (select date_trunc('milliseconds', $3::timestamptz - ($2::bigint - n) * (make_interval(days => $4) / $2::bigint)) as at) as t`,
    [tenantId, count, endsAt.toISOString(), days],
  );
  await admin.query("analyze audit_log.events");
}

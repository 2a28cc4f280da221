import { canary } from "../support/canary.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { testEnvironment } from "../support/tokens.ts";

export type Answer<Body> = { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: Body };
export type Asked = { readonly as?: string; readonly method?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

/** The API and the door as Edge Functions, each a Deno process of its own, over one database. */
export type KeyService = {
  readonly database: TestDatabase;
  readonly api: TestFunction;
  readonly door: TestFunction;
  /** Asks the API under /api/v1/audit; `as` is a bearer. */
  ask<Body = unknown>(path: string, asked?: Asked): Promise<Answer<Body>>;
  /** Posts events at the door. */
  post<Body = unknown>(events: readonly unknown[], asked?: Asked): Promise<Answer<Body>>;
  stop(): Promise<void>;
};

export async function startKeyService(env: Readonly<Record<string, string>> = {}): Promise<KeyService> {
  const database = await createDatabase();
  const environment = { ...testEnvironment(database), ...env };
  const [api, door] = await Promise.all([startFunction("audit-api", { env: environment }), startFunction("audit-logger", { env: environment })]);
  return {
    database,
    api,
    door,
    ask: (path, asked = {}) => send(`${api.url}/api/v1/audit${path}`, asked),
    post: (events, asked = {}) => send(door.url, { method: "POST", body: { events }, ...asked }),
    stop: async () => {
      await Promise.all([api.stop(), door.stop()]);
      await database.drop();
    },
  };
}

async function send<Body>(url: string, { as, method = "GET", body, headers = {} }: Asked): Promise<Answer<Body>> {
  const all = {
    "user-agent": canary,
    ...as === undefined ? {} : { authorization: `Bearer ${as}` },
    ...body === undefined ? {} : { "content-type": "application/json" },
    ...headers,
  };
  const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(url, { method, headers: all, ...sent });
  const text = await response.text();
  const isJson = /application\/(problem\+)?json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : undefined) as Body };
}

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { canary } from "../support/canary.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";

export const tenantA = "123e4567-e89b-12d3-a456-426614174000";
export const tenantB = "aaaaaaaa-e89b-42d3-a456-426614174000";

/** The function under test over a database. */
export type Door = {
  readonly url: string;
  readonly function: TestFunction;
  readonly database: Pick<TestDatabase, "url" | "adminUrl">;
  post(body: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Resident memory in MiB: now, and the most there ever was. */
  memory(): { readonly nowMiB: number; readonly peakMiB: number };
  prototypesUnchanged(): Promise<boolean>;
  close(): Promise<void>;
};

export type Answer = { readonly status: number; readonly text: string; readonly body: AnswerBody; readonly headers: Headers };

export type AnswerBody = {
  readonly created_count?: number;
  readonly duplicate_count?: number;
  readonly rejected_count?: number;
  readonly results?: readonly EventResult[];
  readonly code?: string;
  readonly request_id?: string;
};

export type EventResult = {
  readonly index: number;
  readonly id?: string;
  readonly occurred_at?: string;
  readonly status: string;
  readonly leaf_hash?: string;
  readonly error?: { readonly code: string; readonly pointer: string; readonly message: string };
};

export type DoorOptions = { readonly env?: Readonly<Record<string, string>>; readonly database?: Door["database"]; readonly denoVersion?: "2.9" | "2.1.4" };

/** Opens the door over a fresh database, or over `database`; its environment is the tests' with `env` on top. */
export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const own = options.database === undefined ? await createDatabase() : undefined;
  const database = options.database ?? own as TestDatabase;
  const running = await startFunction("audit-logger", {
    env: { ...testEnvironment(database), ...options.env },
    ...(options.denoVersion === undefined ? {} : { denoVersion: options.denoVersion }),
    entry: fileURLToPath(new URL("instrumented-entry.ts", import.meta.url)),
  });
  return {
    url: running.url,
    function: running,
    database,
    post: (body, headers = {}) => post(running.url, body, headers),
    memory: () => memoryOf(running.pid),
    prototypesUnchanged: async () => (await (await fetch(`${running.url}/test-state`)).json()).prototypesUnchanged,
    async close() {
      await running.stop();
      await own?.drop();
    },
  };
}

/** Posts as the project's server, unless `headers` brings another credential; an empty header is left out. */
export async function post(url: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const credential = "authorization" in headers || "apikey" in headers ? {} : { apikey: secretKey };
  const all = Object.entries({ "content-type": "application/json", "user-agent": canary, ...credential, ...headers }).filter(([, value]) => value !== "");
  const answer = await fetch(url, { method: "POST", headers: all as [string, string][], body: body as BodyInit });
  const text = await answer.text();
  return { status: answer.status, text, body: parsed(text), headers: answer.headers };
}

function parsed(text: string): AnswerBody {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function memoryOf(pid: number): { readonly nowMiB: number; readonly peakMiB: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { nowMiB: mib("VmRSS"), peakMiB: mib("VmHWM") };
}

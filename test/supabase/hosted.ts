import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DenoVersion, projectFolder } from "../../scripts/stack/deno-process.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { keepOutput } from "../support/kept-output.ts";
import { startStorageDouble, storageSecretKey } from "../support/storage-double.ts";
import { jwks, publishableKey } from "../support/tokens.ts";
import { type Recorder, startRecorder, type Upload } from "./recorder.ts";

export type Outcome = { readonly status: number; readonly stdout: string; readonly stderr: string };

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly started?: (kill: (signal: NodeJS.Signals) => void) => void;
};

/** A hosted Supabase project on loopback: what the CLI uploads to it runs, on real Deno processes, against a real database. */
export type Hosted = {
  /** The project's URL. */
  readonly url: string;
  readonly secretKey: string;
  readonly recorder: Recorder;
  /** Names of the buckets, and whether each is public. */
  readonly buckets: Map<string, boolean>;
  /** What Supabase Auth publishes; replace it to play an older project. */
  keySet: unknown;
  /** A folder of its own, for files of the test. */
  readonly folder: string;
  /** A shell's variables with which the CLI and our commands find this project. */
  readonly shell: Readonly<Record<string, string>>;
  /** Runs a program of this checkout, or any other, in that shell; `started` gets the way to signal it. */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Starts the uploaded function as it would be started there. */
  boot(name: string, denoVersion?: DenoVersion): Promise<TestFunction>;
  stop(): Promise<void>;
};

export const projectRef = "abcdefghijklmnopqrst";
const bucketName = "audit-archive";

/** `databaseUrl` is what the platform tells its functions as SUPABASE_DB_URL. */
export async function startHosted(databaseUrl: string): Promise<Hosted> {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-hosted-"));
  const recorder = await startRecorder(join(folder, "uploads"));
  const storage = await startStorageDouble(bucketName);
  const buckets = new Map<string, boolean>();
  const running = new Map<string, Promise<TestFunction>>();
  const state = { keySet: jwks as unknown };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) =>
      response.writeHead(502, { "content-type": "application/json" }).end(JSON.stringify({ message: error.message }))
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    const body = Buffer.concat(await request.toArray());
    const send: Send = (status, value) => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/auth/v1/.well-known/jwks.json") return send(200, state.keySet);
    if (path.startsWith("/storage/v1/bucket")) return answerBucket(buckets, request, path.slice("/storage/v1/bucket/".length), body, send);
    const [, name = "", rest = ""] = /^\/functions\/v1\/([^/?]+)(.*)$/.exec(path) ?? [];
    const target = path.startsWith("/storage/") ? `${storage.url}${path}` : name === "" ? undefined : `${(await bootOnce(name)).url}${rest}`;
    if (target === undefined) return send(404, { message: "nothing is here" });
    await forward(request, response, target, body);
  }

  function uploadOf(name: string): Upload {
    const upload = recorder.uploads.get(name);
    if (upload === undefined) throw new Error(`find upload: ${name} was not uploaded`);
    return upload;
  }

  function boot(name: string, denoVersion: DenoVersion = "2.9"): Promise<TestFunction> {
    return bootUpload(uploadOf(name), { SUPABASE_URL: url, SUPABASE_DB_URL: databaseUrl }, recorder.secrets, denoVersion);
  }

  /** One process for each upload with these secrets: a deployment replaces it, as there. */
  function bootOnce(name: string): Promise<TestFunction> {
    const id = JSON.stringify([name, uploadOf(name).folder, uploadOf(name).metadata, [...recorder.secrets]]);
    const started = running.get(id) ?? boot(name);
    running.set(id, started);
    return started;
  }

  const shell = shellFor(folder, url, recorder);
  return {
    url,
    secretKey: storageSecretKey,
    recorder,
    buckets,
    folder,
    shell,
    get keySet() {
      return state.keySet;
    },
    set keySet(value) {
      state.keySet = value;
    },
    boot,
    run: (file, args, options = {}) => runIn(shell, file, args, options),
    stop: async () => {
      await Promise.allSettled([...running.values()].map(async (started) => (await started).stop()));
      server.closeAllConnections();
      server.close();
      await Promise.all([recorder.stop(), storage.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Send = (status: number, value: unknown) => void;

function answerBucket(buckets: Map<string, boolean>, request: IncomingMessage, name: string, body: Buffer, send: Send): void {
  if (request.headers.apikey !== storageSecretKey) return send(401, { statusCode: "401", message: "Invalid API key" });
  if (request.method === "POST") {
    const made = JSON.parse(body.toString()) as { readonly id: string; readonly public: boolean };
    buckets.set(made.id, made.public);
    return send(200, { name: made.id });
  }
  // As Storage does it: what is missing is a 400 that means 404.
  if (!buckets.has(name)) return send(400, { statusCode: "404", error: "Bucket not found", message: "Bucket not found" });
  return send(200, { id: name, name, public: buckets.get(name) });
}

/** Starts what was uploaded, with what the platform gives its functions and the project's own secrets. */
function bootUpload(
  { slug, folder, metadata }: Upload,
  project: Readonly<Record<string, string>>,
  secrets: ReadonlyMap<string, string>,
  denoVersion: DenoVersion,
): Promise<TestFunction> {
  // The packages that Supabase would fetch: beside the configuration, where Deno 2.1.4 looks, and above the modules.
  for (const place of [folder, dirname(join(folder, metadata.import_map_path))]) {
    if (!existsSync(join(place, "node_modules"))) symlinkSync(join(projectFolder, "node_modules"), join(place, "node_modules"));
  }
  const keys = {
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: storageSecretKey }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
  };
  const env = { ...project, ...keys, ...Object.fromEntries(secrets) };
  return startFunction(slug, { env, entry: join(folder, metadata.entrypoint_path), config: join(folder, metadata.import_map_path), denoVersion });
}

/** The variables of a shell whose Supabase CLI takes the recorder for Supabase. */
function shellFor(folder: string, url: string, recorder: Recorder): Readonly<Record<string, string>> {
  const profile = { name: "recorder", api_url: recorder.url, dashboard_url: recorder.url, docs_url: recorder.url, project_host: "127.0.0.1" };
  writeFileSync(join(folder, "profile.yaml"), Object.entries(profile).map(([key, value]) => `${key}: ${value}\n`).join(""));
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    SUPABASE_PROJECT_REF: projectRef,
    SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`,
    SUPABASE_PROFILE: join(folder, "profile.yaml"),
    SUPABASE_TELEMETRY_DISABLED: "1",
    // A newer CLI or npm is no fault of ours, and what it says of itself no warning.
    SUPABASE_NO_UPDATE_NOTIFIER: "1",
    npm_config_update_notifier: "false",
    // A database without TLS that nobody asked to be without makes the CLI warn.
    PGSSLMODE: "disable",
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEY: storageSecretKey,
  };
}

function runIn(shell: Readonly<Record<string, string>>, file: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    const execution = { env: { ...shell, ...options.env }, cwd: options.cwd ?? projectFolder, timeout: 120_000 };
    const child = execFile(file, args, execution, (error, stdout, stderr) => {
      keepOutput("command on Supabase")(stderr);
      resolve({ status: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, stdout, stderr });
    });
    options.started?.((signal) => void child.kill(signal));
  });
}

async function forward(request: IncomingMessage, response: ServerResponse, target: string, body: Buffer): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === "string" && !["host", "connection", "content-length", "transfer-encoding"].includes(name)) headers.set(name, value);
  }
  const answered = await fetch(target, { method: request.method ?? "GET", headers, ...(body.length > 0 ? { body: new Uint8Array(body) } : {}) });
  const kept = [...answered.headers].filter(([name]) => !["content-encoding", "content-length", "transfer-encoding", "connection"].includes(name));
  response.writeHead(answered.status, Object.fromEntries(kept)).end(Buffer.from(await answered.arrayBuffer()));
}

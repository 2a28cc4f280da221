import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { type DenoVersion, projectFolder } from "../../scripts/stack/deno-process.ts";
import { findFunctions } from "../../scripts/stack/functions.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";
import { type Recorder, startRecorder, type Upload } from "./recorder.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const { signingKey } = await makeSigningKey("test.audit-events.dev", new Uint8Array(32).fill(7));
const names = findFunctions().map(({ name }) => name);

type Outcome = { readonly status: number; readonly stdout: string; readonly stderr: string };

let folder: string;
let recorder: Recorder;
let database: TestDatabase;

/** Runs the script as from a shell with only the variables given, the CLI's home in a folder of its own and its API on loopback. */
function deploy(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const shell = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    SUPABASE_PROJECT_REF: "abcdefghijklmnopqrst",
    SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`,
    SUPABASE_PROFILE: join(folder, "profile.yaml"),
    SUPABASE_TELEMETRY_DISABLED: "1",
    // A newer CLI is no fault of ours, and what it says of itself no warning.
    SUPABASE_NO_UPDATE_NOTIFIER: "1",
    ...env,
  };
  return new Promise((resolve) => {
    execFile(join(projectFolder, "supabase/deploy-functions.sh"), args, { env: shell, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, stdout, stderr });
    });
  });
}

function envFile(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.join("\n"));
  return file;
}

const goodSettings = [
  `AUDIT_SIGNING_KEY=${signingKey}`,
  "AUDIT_LOG_ORIGIN=test.audit-events.dev",
  `AUDIT_CURSOR_KEY=${"c".repeat(40)}`,
  "AUDIT_ANON_TENANT_ID=",
  "SUPABASE_URL=https://abcdefghijklmnopqrst.supabase.co",
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "audit-events-deploy-"));
  recorder = await startRecorder(join(folder, "uploads"));
  const profile = { name: "recorder", api_url: recorder.url, dashboard_url: recorder.url, docs_url: recorder.url, project_host: "127.0.0.1" };
  writeFileSync(join(folder, "profile.yaml"), Object.entries(profile).map(([key, value]) => `${key}: ${value}\n`).join(""));
  database = await createDatabase();
});

afterAll(async () => {
  await database?.drop();
  await recorder?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("scripts/deploy-functions.sh", () => {
  it("prints every command, with the database's password left out, and runs none under --dry-run", async () => {
    const { status, stdout, stderr } = await deploy(["--dry-run", "--env-file", envFile("dry.env", goodSettings)], {
      SUPABASE_DB_URL: "postgresql://postgres:hunter2@h/x",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const commands = stdout.trim().split("\n").map((line) => line.replace(/^\+ \S+ /, ""));
    expect(commands).toEqual([
      'db push --remote="$SUPABASE_DB_URL" --yes',
      "seed buckets --remote=abcdefghijklmnopqrst --yes",
      expect.stringMatching(/^secrets set --env-file \S+ --remote=abcdefghijklmnopqrst --yes$/),
      "functions deploy --use-api --remote=abcdefghijklmnopqrst --yes",
    ]);
    expect(stdout).not.toContain("hunter2");
    expect(recorder.uploads.size).toBe(0);
  });

  it.each<[string, readonly string[], RegExp]>([
    ["settings without which a function does not start", ["AUDIT_LOG_ORIGIN=x"], /sets no AUDIT_SIGNING_KEY AUDIT_CURSOR_KEY/],
    ["the session pooler", [...goodSettings, "AUDIT_DATABASE_URL=postgresql://a:b@x.pooler.supabase.com:5432/postgres"], /port 6543/],
    ["a folder as archive", [...goodSettings, "AUDIT_ARCHIVE_URL=file:/tmp/archive"], /functions keep no files/],
  ])("refuses %s before it changes anything", async (_what, lines, message) => {
    const { status, stdout, stderr } = await deploy(["--env-file", envFile("bad.env", lines)], { SUPABASE_DB_URL: "postgresql://postgres:x@127.0.0.1:1/x" });
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
  });

  it("refuses a step that it does not have, and a project reference of another form", async () => {
    expect((await deploy(["function"])).stderr).toMatch(/function: is no step/);
    expect((await deploy([], { SUPABASE_PROJECT_REF: "http://x" })).stderr).toMatch(/SUPABASE_PROJECT_REF: must be the project's 20 letters/);
  });
});

describe("the step `database`", () => {
  it("applies every migration through the symbolic link, and none when run again", async () => {
    // Roles belong to the cluster: the migrated database above has made them.
    const empty = await createDatabase({ template: "prelude" });
    const client = new pg.Client({ connectionString: empty.url });
    try {
      for (const _run of ["first", "second"]) {
        const { status, stdout, stderr } = await deploy(["database"], { SUPABASE_DB_URL: empty.url });
        expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: expect.not.stringMatching(/warn/i) });
        expect(stdout).not.toContain(new URL(empty.url).password);
      }
      await client.connect();
      const { rows } = await client.query<{ version: string }>("select version from supabase_migrations.schema_migrations order by version");
      const versions = readdirSync(join(projectFolder, "migrations")).filter((file) => file.endsWith(".sql")).map((file) => file.slice(0, 14));
      expect(rows.map(({ version }) => version)).toEqual(versions.sort());
    } finally {
      await client.end();
      await empty.drop();
    }
  }, 60_000);
});

describe("supabase/config.toml", () => {
  it("names every function, each with verify_jwt = false and the same import map", () => {
    const config = readFileSync(join(projectFolder, "supabase/config.toml"), "utf8");
    const sections = [...config.matchAll(/^\[functions\.([a-z-]+)\]\n((?:[a-z_]+ = .*\n?)*)/gm)].map(([, name, body]) => [name, body?.trim().split("\n")]);
    expect(sections).toEqual(names.map((name) => [name, [`entrypoint = "../functions/${name}/index.ts"`, 'import_map = "./deno.json"', "verify_jwt = false"]]));
  });

  it("gives the functions packages of the versions that are tested, and nothing that asks for node_modules", () => {
    const read = (file: string) => JSON.parse(readFileSync(join(projectFolder, file), "utf8"));
    expect(read("supabase/deno.json")).toEqual({ imports: read("deno.json").imports });
  });
});

describe("what `supabase functions deploy --use-api` uploads", () => {
  const running: TestFunction[] = [];

  beforeAll(async () => {
    const { status, stdout, stderr } = await deploy(["--env-file", envFile("good.env", goodSettings), "secrets", "functions"]);
    expect({ status, stderr: stderr.replace(/^(Uploading asset|Deploying Function|Target:|Confirmed by).*\n/gm, "") }).toEqual({ status: 0, stderr: "" });
    expect(stdout).not.toMatch(/warn/i);
    // The packages that Supabase would fetch: beside the configuration, where Deno 2.1.4 looks, and above the modules.
    for (const { folder, metadata } of recorder.uploads.values()) {
      for (const place of [folder, dirname(join(folder, metadata.import_map_path))]) {
        symlinkSync(join(projectFolder, "node_modules"), join(place, "node_modules"));
      }
    }
  });
  afterAll(() => Promise.all(running.map((running) => running.stop())));

  const uploadOf = (name: string): Upload => {
    const upload = recorder.uploads.get(name);
    if (upload === undefined) throw new Error(`find upload: ${name} was not uploaded`);
    return upload;
  };

  async function boot(name: string, denoVersion: DenoVersion): Promise<TestFunction> {
    const { folder, metadata } = uploadOf(name);
    const started = await startFunction(name, {
      env: { ...testEnvironment(database), AUDIT_SIGNING_KEY: signingKey },
      entry: join(folder, metadata.entrypoint_path),
      config: join(folder, metadata.import_map_path),
      denoVersion,
    });
    running.push(started);
    return started;
  }

  it("is every function, checked by nobody but itself, and no request that was not foreseen", () => {
    expect([...recorder.uploads.keys()].sort()).toEqual(names);
    for (const name of names) {
      expect(uploadOf(name).metadata).toMatchObject({
        entrypoint_path: `functions/${name}/index.ts`,
        import_map_path: "supabase/deno.json",
        verify_jwt: false,
      });
      expect(uploadOf(name).files.filter((file) => /\.env|node_modules|\.test\./.test(file))).toEqual([]);
    }
    expect(recorder.unknown).toEqual([]);
  });

  it("comes with the secrets that are set and ours", () => {
    expect(Object.fromEntries(recorder.secrets)).toEqual({
      AUDIT_SIGNING_KEY: signingKey,
      AUDIT_LOG_ORIGIN: "test.audit-events.dev",
      AUDIT_CURSOR_KEY: "c".repeat(40),
    });
  });

  it.each<DenoVersion>(["2.9", "2.1.4"])("starts on Deno %s and stores, seals and serves", async (denoVersion) => {
    const [logger, sealer, api] = await Promise.all(["audit-logger", "audit-sealer", "audit-api"].map((name) => boot(name, denoVersion)));
    const objectId = `invoice-${denoVersion}`;
    const post = (target: TestFunction | undefined, body: unknown) =>
      fetch(target?.url ?? "", { method: "POST", headers: { apikey: secretKey, "content-type": "application/json" }, body: JSON.stringify(body) });

    const stored = await post(logger, { events: [{ tenant_id: tenantId, event_type: "invoice.paid", object_type: "invoice", object_id: objectId }] });
    expect({ status: stored.status, body: await stored.json() }).toMatchObject({ status: 201, body: { created_count: 1, method: "edge" } });

    await expect.poll(async () => {
      const sealed = await post(sealer, {});
      expect(sealed.status, sealer?.stderr()).toBe(200);
      return await sealedCount();
    }).toBe(denoVersion === "2.9" ? 1 : 2);

    const health = await fetch(`${api?.url}/healthz`);
    expect({ status: health.status, body: await health.text() }).toMatchObject({ status: 200 });
    const refused = await fetch(`${api?.url}/api/v1/audit/events`);
    expect(refused.status).toBe(401);
  });

  async function sealedCount(): Promise<number> {
    const client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ size: string }>("select size from audit_log.tree_state where tenant_id = $1", [tenantId]);
      return Number(rows[0]?.size ?? 0);
    } finally {
      await client.end();
    }
  }
});

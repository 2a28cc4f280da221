import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { printSchema } from "../../scripts/schema/print.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { findSupabaseCli } from "../../scripts/supabase-cli.ts";
import { findFunctions } from "../../scripts/stack/functions.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type Hosted, type Outcome, projectRef, startHosted } from "./hosted.ts";
import { expectOneBatchThroughEach } from "./one-batch-each.ts";
import { callFunctions } from "./pg-net.ts";

const { signingKey } = await makeSigningKey("test.audit-events.dev", new Uint8Array(32).fill(7));
const names = findFunctions().map(({ name }) => name);
const script = join(projectFolder, "supabase/deploy-functions.sh");
const doubles = readFileSync(new URL("cron-doubles.sql", import.meta.url), "utf8");

let hosted: Hosted;
/** A fresh project's database: Supabase's prelude, with stand-ins for pg_cron, pg_net and Vault. */
let database: TestDatabase;
let client: pg.Client;
let envFile: string;

beforeAll(async () => {
  // Roles belong to the cluster: a migrated database has made them before.
  await (await createDatabase()).drop();
  database = await createDatabase({ template: "prelude" });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(doubles);
  hosted = await startHosted(database.url);
  envFile = settingsFile("good.env");
});
afterAll(async () => {
  await client?.end();
  await hosted?.stop();
  await database?.drop();
});

function settingsFile(name: string, changes: Readonly<Record<string, string>> = {}): string {
  const settings = {
    AUDIT_DATABASE_URL: database.url,
    AUDIT_SIGNING_KEY: signingKey,
    AUDIT_LOG_ORIGIN: "test.audit-events.dev",
    AUDIT_CURSOR_KEY: "c".repeat(40),
    AUDIT_ARCHIVE_URL: "supabase:audit-archive",
    AUDIT_ANON_TENANT_ID: "",
    SUPABASE_URL: "https://not-a-setting.supabase.co",
    ...changes,
  };
  const file = join(hosted.folder, name);
  writeFileSync(file, Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join(""));
  return file;
}

const deploy = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  hosted.run(script, ["--env-file", envFile, ...args], { env: { SUPABASE_DB_URL: database.url, ...env } });

/** Nothing of what the CLI printed is a warning, and no secret is shown. */
function expectClean({ status, stdout, stderr }: Outcome): void {
  expect({ status, stderr, warnings: stdout.match(/.*(warn|▲).*/gi)?.filter((line) => !/^WARNING +extensions: /.test(line)) ?? [] }).toEqual({
    status: 0,
    stderr: "",
    warnings: [],
  });
  expectNoSecret(stdout);
}

function expectNoSecret(text: string): void {
  for (const secret of [new URL(database.url).password, hosted.secretKey, signingKey]) expect(text).not.toContain(secret);
}

describe("supabase/deploy-functions.sh", () => {
  it("prints every step under --dry-run and changes nothing", async () => {
    const dry = await deploy(["--dry-run"]);
    expectClean(dry);
    expect(dry.stdout.split("\n").filter((line) => line.startsWith("+ "))).toEqual([
      "+ check settings, keys, database, names, extensions and bucket",
      '+ supabase db push --remote="$SUPABASE_DB_URL" --yes',
      "+ make the private bucket audit-archive",
      `+ supabase secrets set --env-file (the AUDIT_ lines of the settings) --remote=${projectRef} --yes`,
      `+ supabase functions deploy ${names.join(" ")} --use-api --remote=${projectRef} --yes`,
      "+ put audit_events_functions_url and audit_events_secret_key into Vault, and schedule the jobs",
      '+ make the tenant "First tenant" with a key, unless the log has tenants',
      `+ post an event to ${hosted.url}, read it back, seal it, verify its receipt`,
    ]);
    expect({ uploads: hosted.recorder.uploads.size, buckets: hosted.buckets.size }).toEqual({ uploads: 0, buckets: 0 });
    expect((await client.query("select to_regnamespace('audit_log') is null as untouched")).rows).toEqual([{ untouched: true }]);
  });

  it.each<[string, () => { readonly file?: string; readonly env?: Record<string, string>; readonly keySet?: unknown }, RegExp]>([
    ["settings without which a function does not start", () => ({ file: settingsFile("bad.env", { AUDIT_CURSOR_KEY: "" }) }), /AUDIT_CURSOR_KEY: set/],
    [
      "the session pooler for functions",
      () => ({ file: settingsFile("bad.env", { AUDIT_DATABASE_URL: `postgresql://postgres.${projectRef}:b@x.pooler.supabase.com:5432/postgres` }) }),
      /use the transaction pooler, port 6543/,
    ],
    ["a folder as archive", () => ({ file: settingsFile("bad.env", { AUDIT_ARCHIVE_URL: "file:/tmp/archive" }) }), /hosted functions keep no files/],
    ["users' tokens signed with a shared secret", () => ({ keySet: { keys: [] } }), /signed with a shared secret/],
    ["the publishable key as secret key", () => ({ env: { SUPABASE_SECRET_KEY: `sb_publishable_${"0".repeat(30)}` } }), /is the publishable key/],
  ])("refuses %s before it changes anything", async (_what, change, message) => {
    const { file = envFile, env = {}, keySet } = change();
    const before = hosted.keySet;
    if (keySet !== undefined) hosted.keySet = keySet;
    const { status, stdout, stderr } = await deploy(["--env-file", file], env);
    hosted.keySet = before;
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining("nothing was changed") });
    expect(stdout).toMatch(message);
    expect(stdout).not.toMatch(/^\+ supabase/m);
  });

  it("says what is wrong with a database URL whose password was not escaped, and does not repeat it", async () => {
    const { status, stderr } = await deploy(["database"], { SUPABASE_DB_URL: "postgresql://postgres:half/secret@127.0.0.1:1/postgres" });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining("SUPABASE_DB_URL: it is not a URL") });
    expect(stderr).not.toContain("secret");
  });

  it("refuses a step that it does not have, and a project reference of another form", async () => {
    expect((await deploy(["function"])).stderr).toMatch(/'function' is invalid for argument 'steps'/);
    expect((await deploy([], { SUPABASE_PROJECT_REF: "http://x" })).stderr).toMatch(/SUPABASE_PROJECT_REF: it is not the project's 20 letters/);
  });
});

describe("a deployment to a fresh project", () => {
  let first: Outcome;
  beforeAll(async () => {
    first = await deploy([]);
  });

  it("goes through, and verifies the receipt of an event that it posted", () => {
    expectClean(first);
    expect(first.stdout).toMatch(/ {2}verified leaf 0 of test\.audit-events\.dev\/00000000-0000-4000-8000-00000000a0d1, tree size \d+\n/);
    expect(hosted.recorder.unknown).toEqual([]);
  });

  it("makes exactly the golden schema, as a login that is no superuser", async () => {
    const { rows } = await client.query<{ version: string }>("select version from supabase_migrations.schema_migrations order by version");
    const versions = readdirSync(join(projectFolder, "migrations")).filter((file) => file.endsWith(".sql")).map((file) => file.slice(0, 14));
    expect(rows.map(({ version }) => version)).toEqual(versions.sort());
    expect((await client.query("select rolsuper from pg_roles where rolname = current_user")).rows).toEqual([{ rolsuper: false }]);
    await client.query("select audit_log.ensure_partition('2026-01-01')");
    expect(await printSchema(client, "events_20260101")).toBe(readFileSync(join(projectFolder, "test/db/schema.sql"), "utf8"));
  });

  it("uploads every function, checked by nobody but itself", () => {
    expect([...hosted.recorder.uploads.keys()].sort()).toEqual(names);
    for (const { slug, metadata, files } of hosted.recorder.uploads.values()) {
      expect(metadata).toMatchObject({ entrypoint_path: `functions/${slug}/index.ts`, import_map_path: "supabase/deno.json", verify_jwt: false });
      expect(files.filter((file) => /\.env|node_modules|\.test\./.test(file))).toEqual([]);
    }
  });

  it("uploads what takes a batch on Deno 2.1.4 too, which hosted functions are compatible with", () => expectOneBatchThroughEach(hosted, "2.1.4"));

  it("sets the secrets that are set and ours", () => {
    expect(Object.fromEntries(hosted.recorder.secrets)).toEqual({
      AUDIT_DATABASE_URL: database.url,
      AUDIT_SIGNING_KEY: signingKey,
      AUDIT_LOG_ORIGIN: "test.audit-events.dev",
      AUDIT_CURSOR_KEY: "c".repeat(40),
      AUDIT_ARCHIVE_URL: "supabase:audit-archive",
    });
  });

  it("makes the bucket, private", () => {
    expect([...hosted.buckets]).toEqual([["audit-archive", false]]);
  });

  it("shows the first tenant's key, which posts events and reads none", async () => {
    const [, key = ""] = /^ {2}key {4}(aud_\S+)$/m.exec(first.stdout) ?? [];
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const body = JSON.stringify({ events: [{ event_type: "a.b" }] });
    expect((await fetch(`${hosted.url}/functions/v1/audit-logger`, { method: "POST", headers, body })).status).toBe(201);
    expect((await fetch(`${hosted.url}/functions/v1/audit-api/api/v1/audit/events`, { headers })).status).toBe(403);
  });

  it("records the first tenant's key in its log, as every key is", async () => {
    await client.query("begin; set local role audit_job");
    const { rows } = await client.query("select object_id, principal, context from audit_log.events where event_type = 'audit.key.created'");
    await client.query("rollback");
    const [, id] = /^ {2}key {4}aud_(\w{12})_/m.exec(first.stdout) ?? [];
    expect(rows).toEqual([{ object_id: id, principal: "login:postgres", context: { name: "first key", scopes: ["ingest"] } }]);
  });

  it("revokes the key of its smoke test", async () => {
    await client.query("begin; set local role audit_owner");
    const { rows } = await client.query("select k.name, k.revoked_at is not null as revoked from audit_log.api_keys as k order by k.created_at");
    await client.query("rollback");
    expect(rows).toEqual([{ name: "first key", revoked: false }, { name: "smoke test", revoked: true }]);
  });

  it("leaves a schedule that calls the functions with the key that they take", async () => {
    const { rows: jobs } = await client.query<{ command: string }>("select command from cron.job where command like '%call_function%' order by jobname");
    expect(jobs).toHaveLength(2);
    await client.query("select audit_log.call_function('audit-sealer')");
    expect(await callFunctions(client)).toEqual([`${hosted.url}/functions/v1/audit-sealer`]);
    await client.query("select audit_log.record_answers()");
    const { rows } = await client.query("select job, failures, problem from audit_log.job_outcomes where job = 'audit-sealer'");
    expect(rows).toEqual([{ job: "audit-sealer", failures: "0", problem: null }]);
  });

  it("changes nothing when it is run again, and hands the CLI no secret in its arguments, which everybody on the machine can read", async () => {
    const [cli, seen] = [join(hosted.folder, "cli"), join(hosted.folder, "arguments")];
    writeFileSync(cli, `#!/bin/sh\nprintf '%s\\n' "$@" >>'${seen}'\nexec '${findSupabaseCli()}' "$@"\n`);
    chmodSync(cli, 0o755);
    const again = await deploy([], { SUPABASE_CLI: cli });
    expectClean(again);
    const args = readFileSync(seen, "utf8");
    expect(args).toContain(`--remote=postgresql://postgres@${new URL(database.url).host}/`);
    expectNoSecret(args);
    expect(again.stdout).toContain("  it is there\n");
    expect(again.stdout).toMatch(/^ {2}the log has (a tenant|\d+ tenants)$/m);
    expect(again.stdout).toContain("up to date");
    expect(again.stdout).toMatch(/verified leaf [1-9]/);
    expect((await client.query("select name from vault.secrets order by name")).rows).toHaveLength(2);
  });

  it("satisfies the doctor, who tells what was changed since", async () => {
    const doctor = async () => {
      const { stdout } = await hosted.run("npm", ["run", "--silent", "audit", "--", "doctor", "--json", "--env-file", envFile], {
        env: { SUPABASE_DB_URL: database.url },
      });
      return (JSON.parse(stdout) as { findings: { check: string; state: string; detail: string }[] }).findings;
    };
    // The doubles are no extensions.
    const isOurs = ({ check, state }: { check: string; state: string }) => state !== "ok" && check !== "extensions";
    expect((await doctor()).filter(isOurs)).toEqual([]);
    await client.query("delete from vault.secrets where name = 'audit_events_secret_key'; delete from cron.job");
    await client.query("delete from supabase_migrations.schema_migrations where version = '20261122001200'; create schema audit");
    hosted.buckets.set("audit-archive", true);
    expect((await doctor()).filter((finding) => isOurs(finding) || finding.check === "names").map(({ check, state, detail }) => `${check} ${state}: ${detail}`))
      .toEqual([
        "names ok: a schema audit is there, such as supa_audit's: ours is audit_log, both can stay",
        expect.stringMatching(/^migrations pending: 1 of \d+ are to be applied$/),
        "Vault pending: holds no audit_events_secret_key",
        "jobs pending: none is scheduled",
        "bucket fault: audit-archive: is public: anybody could read the archive",
      ]);
  });
});

describe("the step secrets", () => {
  it("gives functions settings with spaces, quotes and line breaks as they are, and refuses what the CLI could not read back", async () => {
    const settings = (catalogue: string) => settingsFile("quotes.env", { AUDIT_EVENT_CATALOGUE: catalogue });
    for (
      const [written, value] of [
        [`'{"description": "# $HOME \\n"}'`, `{"description": "# $HOME \\n"}`],
        [`\`{"an": "order's"\n}\``, `{"an": "order's"\n}`],
      ] as const
    ) {
      expectClean(await deploy(["--env-file", settings(written), "secrets"]));
      expect(hosted.recorder.secrets.get("AUDIT_EVENT_CATALOGUE")).toBe(value);
    }
    const refused = await deploy(["--env-file", settings('it\'s "both" `kinds`'), "secrets"]);
    expect({ status: refused.status, stderr: refused.stderr }).toEqual({ status: 2, stderr: expect.stringContaining("quotes of every kind") });
    expect(hosted.recorder.secrets.get("AUDIT_EVENT_CATALOGUE")).toBe(`{"an": "order's"\n}`);
  });
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

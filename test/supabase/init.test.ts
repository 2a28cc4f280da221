import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { planInit } from "../../scripts/init/plan.ts";
import { packageFolder } from "../../scripts/init/source-files.ts";
import { printSchema } from "../../scripts/schema/print.ts";
import { type DenoVersion, projectFolder } from "../../scripts/stack/deno-process.ts";
import { findFunctions } from "../../scripts/stack/functions.ts";
import { findSupabaseCli } from "../../scripts/supabase-cli.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type Hosted, projectRef, startHosted } from "./hosted.ts";
import { expectOneBatchThroughEach } from "./one-batch-each.ts";

const names = findFunctions().map(({ name }) => name);
const theirs = "20991231235959_theirs.sql";

let hosted: Hosted;
let database: TestDatabase;
/** A fresh `supabase init` project with a migration and a function of its own. */
let project: string;

beforeAll(async () => {
  await (await createDatabase()).drop();
  database = await createDatabase({ template: "prelude" });
  hosted = await startHosted(database.url);
  project = mkdtempSync(join(tmpdir(), "audit-events-init-"));
  expect(await cli(["init"])).toMatchObject({ status: 0 });
  mkdirSync(join(project, "supabase/migrations"));
  writeFileSync(join(project, "supabase/migrations", theirs), "create schema audit; create table public.audit_events (id bigint primary key);\n");
  mkdirSync(join(project, "supabase/functions/hello"), { recursive: true });
  writeFileSync(join(project, "supabase/functions/hello/index.ts"), 'export default { fetch: () => new Response("hello") };\n');
});
afterAll(async () => {
  await hosted?.stop();
  await database?.drop();
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

const cli = (args: readonly string[]) => hosted.run(findSupabaseCli() ?? "supabase", [...args, "--agent", "no"], { cwd: project });
/** As its user does it: by npx, from the project's folder. */
const init = (...args: readonly string[]) => hosted.run("npx", ["--offline", "--yes", projectFolder, "init", ...args], { cwd: project });
const read = (path: string) => readFileSync(join(project, "supabase", path), "utf8");
const filesOf = (folder: string) => readdirSync(join(project, "supabase", folder), { recursive: true, encoding: "utf8" }).sort();

describe("npx audit-events init", () => {
  it("shows under --dry-run what it would add, and writes nothing", async () => {
    const before = filesOf(".");
    const { status, stdout } = await init("--dry-run");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\+ supabase\/migrations\/\d{14}_audit_log_roles\.sql \(\d+ lines\)$/m);
    expect(stdout).toContain("\n+++ supabase/config.toml\n");
    expect(stdout).toContain("\n+[functions.audit-logger]\n");
    expect((await init("--dry-run", "--full")).stdout).toContain("\n+create schema audit_log authorization audit_owner;\n");
    expect(filesOf(".")).toEqual(before);
  });

  it("adds migrations after those that are there, functions and config lines, and changes nothing else", async () => {
    const config = read("config.toml");
    const { status, stdout, stderr } = await init();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("audit-events deploy");
    expect(read("config.toml").startsWith(config)).toBe(true);
    const [first, ...added] = filesOf("migrations");
    expect(first).toBe(theirs);
    const sources = readdirSync(join(projectFolder, "migrations")).filter((name) => name.endsWith(".sql")).sort();
    expect(added.map((name) => name.slice(14))).toEqual(sources.map((name) => `_audit_log_${name.slice(15)}`));
    added.forEach((name, index) =>
      expect(read(join("migrations", name))).toBe(readFileSync(join(projectFolder, "migrations", sources[index] as string), "utf8"))
    );
    expect(filesOf("audit-events").filter((name) => /\.test\.ts$|node_modules|^\.env/.test(name))).toEqual([]);
  });

  it("does nothing the second time", async () => {
    const before = [filesOf("."), read("config.toml")];
    expect((await init()).stdout).toBe("Nothing to do: the project has all of it.\n");
    expect([filesOf("."), read("config.toml")]).toEqual(before);
  });

  it("keeps a file that somebody edited, and replaces one of an older version only when asked to", async () => {
    const [edited, older] = ["audit-events/core/limits.ts", "audit-events/core/errors.ts"];
    appendFileSync(join(project, "supabase", edited), "// ours\n");
    const manifest = JSON.parse(read("audit-events/manifest.json"));
    manifest.files[older] = createHash("sha256").update("older").digest("hex");
    writeFileSync(join(project, "supabase", older), "older");
    writeFileSync(join(project, "supabase/audit-events/manifest.json"), JSON.stringify(manifest));

    const kept = [edited, older].map((path) => `! supabase/${path} (differs from this version: kept)`);
    expect((await init()).stdout.trim().split("\n").sort()).toEqual(kept.sort());
    expect(read(older)).toBe("older");

    expect((await init("--update")).stdout).toContain(`~ supabase/${older} (as an older version wrote it: replaced)`);
    expect(read(older)).toBe(readFileSync(join(projectFolder, "core/errors.ts"), "utf8"));
    expect(read(edited)).toMatch(/\/\/ ours\n$/);
    writeFileSync(join(project, "supabase", edited), readFileSync(join(projectFolder, "core/limits.ts")));
  });

  it("refuses before it writes anything where a function has a name of ours, or there is no project", async () => {
    const other = mkdtempSync(join(hosted.folder, "other-"));
    const plan = () => planInit({ supabaseFolder: join(other, "supabase"), root: packageFolder(), now: new Date(), update: false });
    expect(plan).toThrow(/there is none: run this in the folder of a Supabase project/);
    mkdirSync(join(other, "supabase/functions/audit-logger"), { recursive: true });
    writeFileSync(join(other, "supabase/config.toml"), '[functions."audit-api"]\nentrypoint = "./mine.ts"\n');
    expect(plan).toThrow(/add function audit-logger: the project has one of this name/);
    rmSync(join(other, "supabase/functions"), { recursive: true });
    expect(plan).toThrow(/add \[functions.audit-api\] to supabase\/config.toml: the project has a function of this name that is not ours/);
    expect(readdirSync(join(other, "supabase"))).toEqual(["config.toml"]);
  });
});

describe("the project that it was added to", () => {
  it("pushes to exactly the golden schema, beside tables of its own, and has nothing to push the second time", async () => {
    const first = await cli(["db", "push", `--remote=${database.url}`, "--yes"]);
    expect({ status: first.status, output: first.stdout + first.stderr }).toEqual({ status: 0, output: expect.not.stringMatching(/warn|▲/i) });
    expect((await cli(["db", "push", `--remote=${database.url}`, "--yes"])).stdout).toContain("up to date");
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query("select audit_log.ensure_partition('2026-01-01')");
      // Our view stands back where the name is taken; all else is the same.
      const butTheView = (schema: string) => schema.split("\n\n").filter((block) => !block.includes("public.audit_events")).join("\n\n");
      const golden = readFileSync(join(projectFolder, "test/db/schema.sql"), "utf8");
      expect(butTheView(await printSchema(client, "events_20260101"))).toBe(butTheView(golden));
      expect((await client.query("select relkind from pg_class where oid = 'public.audit_events'::regclass")).rows).toEqual([{ relkind: "r" }]);
    } finally {
      await client.end();
    }
  });

  it("deploys our functions beside its own, and each takes a batch, on both versions of Deno", async () => {
    const { signingKey } = await makeSigningKey("test.audit-events.dev", new Uint8Array(32).fill(7));
    const settings = {
      AUDIT_DATABASE_URL: database.url,
      AUDIT_SIGNING_KEY: signingKey,
      AUDIT_LOG_ORIGIN: "test.audit-events.dev",
      AUDIT_CURSOR_KEY: "c".repeat(40),
    };
    for (const entry of Object.entries({ ...settings, AUDIT_ARCHIVE_URL: "supabase:audit-archive" })) hosted.recorder.secrets.set(...entry);
    const { status, stdout, stderr } = await cli(["functions", "deploy", "--use-api", `--remote=${projectRef}`, "--yes"]);
    expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: expect.not.stringMatching(/warn|▲/i) });
    expect([...hosted.recorder.uploads.keys()].sort()).toEqual([...names, "hello"].sort());
    hosted.recorder.uploads.delete("hello");
    for (const denoVersion of ["2.9", "2.1.4"] satisfies DenoVersion[]) await expectOneBatchThroughEach(hosted, denoVersion);
  });
});

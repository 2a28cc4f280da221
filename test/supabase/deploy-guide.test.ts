import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { findSupabaseCli } from "../../scripts/supabase-cli.ts";
import { openShell, type Ran, snippetsOf } from "../docs-snippets.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type Hosted, projectRef, startHosted } from "./hosted.ts";

const page = "docs/operations/deploy.md";
const doubles = readFileSync(new URL("cron-doubles.sql", import.meta.url), "utf8");

let folder: string;
/** The project that is nothing but the log, and the one that it is added to. */
let databases: readonly [TestDatabase, TestDatabase];
let client: pg.Client;
let hosted: Hosted;

beforeAll(async () => {
  await (await createDatabase()).drop();
  databases = [await freshProject(), await freshProject()];
  client = new pg.Client({ connectionString: databases[1].url });
  await client.connect();
  hosted = await startHosted(databases[0].url);
  // The checkout by another path: the guide writes `.env` and `signing.key` into it.
  folder = mkdtempSync(join(tmpdir(), "audit-events-guide-"));
  mkdirSync(join(folder, "audit-events"));
  for (const name of readdirSync(projectFolder)) if (name !== ".env") symlinkSync(join(projectFolder, name), join(folder, "audit-events", name));
  mkdirSync(join(folder, "my-app"));
  expect(await hosted.run(findSupabaseCli() ?? "supabase", ["init", "--agent", "no"], { cwd: join(folder, "my-app") })).toMatchObject({ status: 0 });
});
afterAll(async () => {
  await client?.end();
  await hosted?.stop();
  for (const database of databases ?? []) await database.drop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** A database as a new project has it, with stand-ins for pg_cron, pg_net and Vault. */
async function freshProject(): Promise<TestDatabase> {
  const database = await createDatabase({ template: "prelude" });
  const login = new pg.Client({ connectionString: database.url });
  await login.connect();
  await login.query(
    `${doubles}; create function cron.unschedule(text) returns boolean language sql as 'delete from cron.job where jobname = $1 returning true'`,
  )
    .finally(() => login.end());
  return database;
}

/** What a person fills in: the settings of the project whose database this is. */
function fillInSettings(database: TestDatabase): void {
  const checkout = join(folder, "audit-events");
  const values: Readonly<Record<string, string>> = {
    AUDIT_SIGNING_KEY: readFileSync(join(checkout, "signing.key"), "utf8").trim(),
    AUDIT_LOG_ORIGIN: "audit.example.com",
    AUDIT_CURSOR_KEY: "0123456789abcdefghijklmnopqrstuvwxyz",
    AUDIT_DATABASE_URL: database.url,
    AUDIT_ARCHIVE_URL: "supabase:audit-archive",
  };
  const example = readFileSync(join(checkout, ".env"), "utf8");
  writeFileSync(join(checkout, ".env"), example.replaceAll(/^([A-Z_]+)=.*$/gm, (line, name: string) => name in values ? `${name}=${values[name]}` : line));
}

describe(page, () => {
  it("runs as it is pasted, from the first snippet to the last, against a project that stands in for the hosted one", async () => {
    const shell = openShell({
      cwd: join(folder, "audit-events"),
      env: { ...hosted.shell, npm_config_offline: "true" },
      fill: {
        "sbp_…": `sbp_${"0".repeat(40)}`,
        "sb_secret_…": hosted.secretKey,
        "postgresql://postgres.…:5432/postgres": databases[0].url,
        [`https://${projectRef}.supabase.co`]: hosted.url,
      },
    });
    const ran: Ran[] = [];
    const aside = (code: string) => shell.run({ language: "sh", code, line: 0 });
    try {
      for (const snippet of snippetsOf(page, ["sh", "sql"])) {
        if (snippet.language === "sql") {
          await client.query("delete from vault.secrets");
          await client.query(shell.filled(snippet));
          continue;
        }
        // `npx` goes to the project, all else is said of the checkout; from there on the shell's variables name that project.
        if (snippet.code.startsWith("npm")) await aside(`cd ${join(folder, "audit-events")}; export SUPABASE_DB_URL=${databases[1].url}`);
        ran.push(await shell.run(snippet));
        if (ran.length === 1) fillInSettings(databases[0]);
        if (snippet.code.startsWith("cd ../my-app")) fillInSettings(databases[1]);
      }
      expect(shell.unused()).toEqual([]);
    } finally {
      shell.close();
    }
    const [settings, deployed, init, workdir, back] = ran.map(({ stdout }) => stdout);
    expect(settings).toMatch(/^audit\.example\.com\+[0-9a-f]{8}\+\S+$/m);
    expect(deployed).toMatch(/^0 faults, /m);
    expect(deployed).toMatch(/verified leaf 0 of audit\.example\.com/);
    expect(init).toContain("audit-events deploy");
    expect(workdir).toMatch(/verified leaf 0 of audit\.example\.com/);
    expect([...hosted.recorder.uploads.values()].map(({ metadata }) => metadata.entrypoint_path)).toContain("functions/audit-logger/index.ts");
    expect(back).toMatch(/verified leaf [1-9]/);
    expect((await client.query("select count(*)::integer as jobs from cron.job")).rows).toEqual([{ jobs: 6 }]);
  }, 400_000);

  it("names every step that there is, and every name that the steps read", async () => {
    const text = readFileSync(join(projectFolder, page), "utf8");
    const { steps } = await import("../../scripts/deploy/steps.ts");
    expect(Object.keys(steps).filter((name) => !text.includes(`\n| \`${name}\` |`))).toEqual([]);
    for (const name of ["SUPABASE_PROJECT_REF", "SUPABASE_ACCESS_TOKEN", "SUPABASE_DB_URL", "SUPABASE_SECRET_KEY"]) expect(text).toContain(name);
  });
});

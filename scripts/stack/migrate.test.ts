import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/support/database.ts";
import { projectFolder } from "./deno-process.ts";
import { migrate, readMigrations } from "./migrate.ts";

const cli = join(projectFolder, "node_modules/@supabase/cli-linux-x64/bin/supabase");
let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createDatabase({ template: "prelude" });
  folder = mkdtempSync(join(tmpdir(), "migrations-"));
});

afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

async function rows(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const recorded = () => rows("select version, name, statements from supabase_migrations.schema_migrations order by version");
const first = { version: "20260101000000", name: "first", sql: "create table public.one ();" };
const second = { version: "20260102000000", name: "second", sql: "create table public.two ();" };

describe("migrate()", () => {
  it("applies each file once, in order, and records it as the Supabase CLI does", async () => {
    expect(await migrate(database.url, [first])).toEqual([first.version]);
    expect(await migrate(database.url, [first, second])).toEqual([second.version]);
    expect(await migrate(database.url, [first, second])).toEqual([]);
    expect(await recorded()).toEqual([first, second].map(({ version, name, sql }) => ({ version, name, statements: [sql] })));
  });

  it("applies each file once when two runners start together", async () => {
    const applied = await Promise.all([migrate(database.url, [first, second]), migrate(database.url, [first, second])]);
    expect(applied.flat().sort()).toEqual([first.version, second.version]);
  });

  it("leaves nothing of a file that fails, and all of the files before it", async () => {
    const broken = { ...second, sql: "create table public.two ();\n\nselect 1 / 0;" };
    await expect(migrate(database.url, [first, broken])).rejects.toThrow(/^apply migration 20260102000000_second\.sql: division by zero/);
    expect(await rows("select to_regclass('public.one') is not null as one, to_regclass('public.two') is not null as two")).toEqual([{
      one: true,
      two: false,
    }]);
    expect(await recorded()).toHaveLength(1);
  });

  it("names the line of a file that the parser refuses", async () => {
    await expect(migrate(database.url, [{ ...first, sql: "select 1;\n\nselect from from;" }])).rejects.toThrow(/at line 3/);
  });

  it("does not let a file change the settings of the next", async () => {
    await migrate(database.url, [{ ...first, sql: "set search_path = extensions;" }, { ...second, sql: "create table two ();" }]);
    expect(await rows("select to_regclass('public.two') is not null as two")).toEqual([{ two: true }]);
  });
});

describe("readMigrations()", () => {
  it("reads a folder in path order", () => {
    writeFileSync(join(folder, "20260102000000_second.sql"), second.sql);
    writeFileSync(join(folder, "20260101000000_first.sql"), first.sql);
    expect(readMigrations(folder)).toEqual([first, second]);
  });

  it("refuses a name that the CLI would skip in silence", () => {
    writeFileSync(join(folder, "2026_first.sql"), "");
    expect(() => readMigrations(folder)).toThrow("read migrations: 2026_first.sql is not named <14 digits>_<words>.sql");
  });

  it("refuses two files of one version", () => {
    for (const name of ["first", "second"]) writeFileSync(join(folder, `20260101000000_${name}.sql`), "");
    expect(() => readMigrations(folder)).toThrow("read migrations: version 20260101000000 stands twice");
  });
});

describe.runIf(existsSync(cli))("the Supabase CLI", () => {
  /** A project with our migrations, and the CLI's `db push --dry-run` against the test database. */
  async function push(...flags: string[]): Promise<string> {
    mkdirSync(join(folder, "supabase"), { recursive: true });
    writeFileSync(join(folder, "supabase/config.toml"), 'project_id = "migrate-test"\n');
    cpSync(join(projectFolder, "migrations"), join(folder, "supabase/migrations"), { recursive: true });
    const args = ["db", "push", `--remote=${database.url}`, "--skip-vault", "--yes", "--agent=no", "--workdir", folder, ...flags];
    const child = spawn(cli, args, { env: { HOME: folder, PATH: "/usr/bin:/bin", SUPABASE_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => output += text);
    await new Promise((resolve) => child.once("close", resolve));
    return output;
  }

  it("has nothing to push where we have migrated", async () => {
    await migrate(database.url, readMigrations(join(projectFolder, "migrations")));
    expect(await push()).toMatch(/up to date/i);
  });

  it("leaves nothing for us to apply where it has pushed", async () => {
    const migrations = readMigrations(join(projectFolder, "migrations"));
    await push();
    expect((await recorded()).length).toBe(migrations.length);
    expect(await migrate(database.url, migrations)).toEqual([]);
  });
});

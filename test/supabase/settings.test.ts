import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSettings, variables } from "../../adapters/environment.ts";
import { configTables } from "../../scripts/init/config-lines.ts";
import { functionNames } from "../../scripts/init/source-files.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";

const read = (path: string) => readFileSync(join(projectFolder, path), "utf8");
const config = read("supabase/config.toml");
const example = [...read(".env.example").matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => ({ name, value }));

/** Names of commands, tests and the SDK: they are read by these, not by the functions and the service. */
const namesOfOthers =
  /^(AUDIT_TEST_\w+|AUDIT_SAMPLE_DIR|AUDIT_PAGE_CONFIG|AUDIT_URL|AUDIT_API_URL|AUDIT_API_KEY|AUDIT_SECRET_KEY|AUDIT_LOGGING_\w+|SUPABASE_(PROJECT_REF|ACCESS_TOKEN|SECRET_KEY|CLI|PROFILE))$/;

const pages = [
  "README.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "Dockerfile",
  "supabase/config.toml",
  ...["docs/operations", "docs/format", "docs"].flatMap((folder) =>
    readdirSync(join(projectFolder, folder)).filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`)
  ),
];

/** Tables of a TOML file that has neither arrays of tables nor strings over several lines, each with its lines. */
function tablesOf(toml: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...toml.matchAll(/^\[([^\]]+)\]\n((?:(?!\[).*\n?)*)/gm)].map(([, name = "", body = ""]) => [name, body.split("\n").filter((line) => /^\w/.test(line))]),
  );
}

describe("settings", () => {
  it.each(pages)("that %s names are read by somebody", (page) => {
    const named = [...read(page).matchAll(/\b(?:AUDIT|SUPABASE)_[A-Z][A-Z_]*[A-Z]\b/g)].map(([name]) => name);
    expect([...new Set(named)].filter((name) => !(name in variables) && !namesOfOthers.test(name))).toEqual([]);
  });

  it("have in .env.example the values that they have without it", () => {
    const required = { SUPABASE_URL: "https://x.supabase.co", AUDIT_DATABASE_URL: "postgresql://a:b@c/d" };
    const without = readSettings(required);
    const shown = example.filter(({ name, value }) => value !== "" && !(name in required));
    expect(shown.length).toBeGreaterThan(4);
    expect(readSettings({ ...Object.fromEntries(shown.map(({ name, value }) => [name, value])), ...required })).toEqual(without);
  });

  it("have each a comment in .env.example", () => {
    const lines = read(".env.example").split("\n");
    const bare = lines.filter((line, index) => /^[A-Z_]+=/.test(line) && !/^(#|[A-Z_]+=)/.test(lines[index - 1] ?? ""));
    expect(bare).toEqual([]);
  });

  it("are given to hosted functions under no name that Supabase refuses", () => {
    const own = Object.keys(variables).filter((name) => !name.startsWith("SUPABASE_"));
    expect(own.filter((name) => !name.startsWith("AUDIT_"))).toEqual([]);
  });
});

describe("supabase/config.toml", () => {
  const tables = tablesOf(config);

  it("has the tables that init adds to a project, with this checkout's paths", () => {
    for (const [name, body] of configTables(functionNames(projectFolder))) {
      expect(tables.get(name), name).toEqual(
        body.map((line) => line.replace("./audit-events/deno.json", "./deno.json").replace("./audit-events/functions", "../functions")),
      );
    }
    expect([...tables.keys()].filter((name) => name.startsWith("functions."))).toEqual(functionNames(projectFolder).map((name) => `functions.${name}`));
  });

  it("makes the bucket that the guide tells people to name, private", () => {
    expect(tables.get("storage.buckets.audit-archive")).toContain("public = false");
    expect(read("docs/operations/deploy.md")).toContain("`AUDIT_ARCHIVE_URL=supabase:audit-archive`");
  });

  it("keeps the schema out of the Data API, on Supabase's major and port", () => {
    expect(tables.get("api")).toEqual(["port = 54321", 'schemas = ["public", "graphql_public"]']);
    expect(tables.get("db")).toContain("major_version = 17");
  });
});

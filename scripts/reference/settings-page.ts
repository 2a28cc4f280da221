// The page of settings, from the schemas that read them and the entries that cannot do without some.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { variables } from "../../adapters/environment.ts";
import { cell, page } from "./page.ts";

/** What `readSettings()` wants of every process. */
const always: Readonly<Record<string, string>> = { SUPABASE_URL: "required", AUDIT_DATABASE_URL: "`SUPABASE_DB_URL`; one of the two is required" };

/** What is read elsewhere than by `readSettings()`: a test holds the names to the code. */
const elsewhere: readonly (readonly [name: string, by: string, what: string])[] = [
  ["HOST", "server", "address on which it listens; `127.0.0.1`, in the image every address"],
  ["PORT", "server", "port; 8000"],
  ["AUDIT_PAGE_CONFIG", "server", "the page's `config.json`, as JSON; `{}`"],
  ["AUDIT_PAGE_FOLDER", "server", "the built page; `web/dist`"],
  ["AUDIT_API_URL", "command", "root of the API for `query`, `tail`, `export`, `holds`; made of `AUDIT_URL` when absent"],
  ["AUDIT_URL", "command", "the project's URL; `SUPABASE_URL` when absent"],
  ["AUDIT_API_KEY", "command", "key with the scope of what is asked for, or a user's token"],
  ["AUDIT_SECRET_KEY", "command", "a secret key of the project, for `seal` and for archives in a bucket; `SUPABASE_SECRET_KEY` when absent"],
  ["AUDIT_DATABASE_URL", "command", "the log's database, for `verify`, `archive`, `import`, `keys`, `members`, `limits`; `SUPABASE_DB_URL` when absent"],
  ["AUDIT_ARCHIVE_URL", "command", "where archived days are, unless `--archive` says it"],
  ["SUPABASE_PROJECT_REF", "deployment", "the project's 20 letters"],
  ["SUPABASE_ACCESS_TOKEN", "deployment", "yours, for the Supabase CLI"],
  ["SUPABASE_DB_URL", "deployment", "direct connection or session pooler, as `postgres`"],
  ["SUPABASE_SECRET_KEY", "deployment", "a secret key of the project, for the bucket and for pg_cron; `AUDIT_SECRET_KEY` when absent"],
  ["SUPABASE_URL", "deployment", "the project's URL, when it has a domain of its own"],
  ["SUPABASE_CLI", "deployment", "the Supabase CLI 3.x, when it is not on the PATH"],
];

/** The page; `printed` says that nobody edits it. */
export function settingsPage(projectFolder: string, printed: string): string {
  const needs = neededBy(projectFolder);
  const rows = Object.entries(variables).map(([name, schema]) => {
    const fallback = schema.safeParse(undefined);
    const usual = fallback.success && fallback.data !== undefined ? String(fallback.data) : "";
    const description = (schema.description ?? "").replace(new RegExp(`: ${usual}$`), "");
    const required = needs.get(name)?.map((process) => `\`${process}\``).join(", ");
    const absent = always[name] ?? (required === undefined ? usual && `\`${usual}\`` : `required by ${required}`);
    return `| \`${name}\` | ${cell(description)} | ${absent} |`;
  });
  const intro =
    `Environment variables of functions and query service, read once at start; all faults are told at once. ${printed} \`.env.example\` has examples.
Those of the client are in [sdk/README.md](../../sdk/README.md), those of the command and of the server below.`;
  const others = elsewhere.map(([name, by, what]) => `| \`${name}\` | ${by} | ${what} |`).join("\n");
  return `${page("Settings", intro, "| name | what it is | when absent |\n|---|---|---|", rows)}
## Of the server, the operator's command and the deployment

The server is \`api/server.ts\`, which reads those above too. The command is \`npm run audit\`: \`--local\` answers for all of its variables. The deployment is
\`npm run deploy\` and \`npm run audit -- doctor\`, which read the settings above from \`.env\`.

| name | of | what it is |
|---|---|---|
${others}
`;
}

/** Processes by the setting that they do not start without. */
function neededBy(projectFolder: string): ReadonlyMap<string, readonly string[]> {
  const entries = readdirSync(join(projectFolder, "functions")).filter((name) => name.startsWith("audit-")).sort().map((name) =>
    [name, join("functions", name, "index.ts")] as const
  );
  const needs = new Map<string, string[]>();
  for (const [process, path] of [...entries, ["api/server.ts", "api/server.ts"] as const]) {
    const list = /readSettings\([^,)]*(?:\(\))?, \[([^\]]*)\]/.exec(readFileSync(join(projectFolder, path), "utf8"))?.[1] ?? "";
    for (const [, name = ""] of list.matchAll(/"(\w+)"/g)) needs.set(name, [...needs.get(name) ?? [], process]);
  }
  return needs;
}

// Prints the reference pages that can be read from the code: settings, limits, SQL, the client. `npm run reference` writes them, a test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../core/limits.ts";
import { cell, page } from "./reference/page.ts";
import { sdkEntries, sdkPage } from "./reference/sdk-page.ts";
import { settingsPage } from "./reference/settings-page.ts";
import { projectFolder } from "./stack/deno-process.ts";

/** The pages by path, as they must be. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/reference/settings.md", settingsPage(projectFolder, printed)],
    ["docs/reference/limits.md", limitsPage()],
    ["docs/reference/sql.md", sqlPage(readFileSync(join(projectFolder, "test/db/schema.sql"), "utf8"))],
    ["docs/reference/sdk.md", sdkPage(sdkEntries(projectFolder), printed)],
  ]);
}

const printed = "Printed by `npm run reference`; not edited by hand.";

function limitsPage(): string {
  const source = readFileSync(join(projectFolder, "core/limits.ts"), "utf8");
  const rows = Object.entries(limits).map(([name, value]) => `| \`${name}\` | ${shown(value)} | ${cell(commentBefore(source, name))} |`);
  const intro =
    `Every bound of the system, from \`core/limits.ts\`; those that concern callers are served at \`/api/v1/audit/limits\`. ${printed} Bytes are bytes of UTF-8.
A unit stands last in a name. A line without words belongs with the one above it.`;
  return page("Limits", intro, "| name | value | why |\n|---|---|---|", rows);
}

/** Tables, views and functions with what the database says of them, and who may use them. */
function sqlPage(schema: string): string {
  const rows = [...schema.matchAll(/^comment on (table|view|function) (audit_log\.[\w]+)(?:\((.*?)\))? is '((?:[^']|'')*)';$/gm)]
    .map(([, kind = "", name = "", , comment = ""]) => ({ kind, name, comment: comment.replaceAll("''", "'") }))
    .filter(({ name }) => !/events_\d{8}$/.test(name))
    .map(({ kind, name, comment }) => `| \`${name}${kind === "function" ? "()" : ""}\` | ${kind} | ${grantees(schema, name)} | ${cell(comment)} |`);
  const intro = `What the schema \`audit_log\` holds, as its own comments say; \`test/db/schema.sql\` is the whole of it, with every column. ${printed}
Nobody has UPDATE, DELETE or TRUNCATE on events. \`authenticated\` sees rows of the tenants in its claims only.`;
  return page("SQL", intro, "| name | kind | may be used by | what it is |\n|---|---|---|---|", rows);
}

/** The roles other than the owner that have a privilege on `name`. */
function grantees(schema: string, name: string): string {
  const escaped = name.replace(".", "\\.");
  const found = [...schema.matchAll(new RegExp(`^grant [^\\n]* on (?:table |function )?${escaped}(?:\\([^\\n]*?\\))? to (\\w+);$`, "gm"))].map((
    [, role = ""],
  ) => role);
  return [...new Set(found)].filter((role) => role !== "audit_owner").sort().map((role) => `\`${role}\``).join(", ");
}

/** The doc comment that stands right above a line of the source. */
function commentBefore(source: string, name: string): string {
  const lines = source.split("\n");
  const above = lines[lines.findIndex((line) => line.startsWith(`  ${name}: `)) - 1] ?? "";
  return /^ {2}\/\*\* (.*) \*\/$/.exec(above)?.[1] ?? "";
}

function shown(value: unknown): string {
  return typeof value === "number" && Number.isInteger(value) ? value.toLocaleString("en").replaceAll(",", " ") : String(value);
}

if (import.meta.main) { for (const [path, text] of referencePages()) writeFileSync(join(projectFolder, path), text); }

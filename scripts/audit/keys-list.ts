import { Command, Option } from "commander";
import type { Pool } from "pg";
import { createKeyAdmin } from "../../adapters/postgres/key-admin.ts";
import { keyBodyOf, type KeyRecord, type KeyStatus, keyStatuses } from "../../core/key-admin.ts";
import { limits } from "../../core/limits.ts";
import { withExamples } from "./examples.ts";
import { adminClaims, everyTenant, silent, withDatabase } from "./operator.ts";
import { tablePrinter, terminalWidth } from "./table.ts";
import { type DatabaseOptions, databaseTarget, tenantUuid, withDatabaseTarget } from "./target.ts";

type Options = DatabaseOptions & { readonly tenant?: string; readonly status?: KeyStatus; readonly json?: boolean };
type Key = ReturnType<typeof keyBodyOf>;

/** `audit-events keys list`: who may send and read, and who of them still does. No secret is in it: the database has none. */
export function listApiKeysCommand(): Command {
  const command = withDatabaseTarget(new Command("list").description("List API keys, newest first: scopes, and when each was last used, to a minute"))
    .option("--tenant <id>", "only this tenant's")
    .addOption(new Option("--status <status>", "only these").choices([...keyStatuses]))
    .option("--json", "as JSON")
    .action(run);
  return withExamples(command, "keys list --local .audit", "keys list --status active --json");
}

async function run(options: Options): Promise<void> {
  const now = new Date();
  const url = databaseTarget(options);
  const tenantId = options.tenant === undefined ? undefined : tenantUuid(options.tenant);
  const found = await withDatabase(url, async (pool) => {
    const keys: KeyRecord[] = [];
    for (const tenant of tenantId === undefined ? await everyTenant(pool) : [tenantId]) keys.push(...await keysOf(pool, tenant));
    return keys;
  });
  const keys = found.map((key) => keyBodyOf(key, now)).filter(({ status }) => options.status === undefined || status === options.status);
  if (options.json) return console.log(JSON.stringify({ keys }));
  console.log(keys.length === 0 ? "No API keys." : tablesOf(keys));
}

async function keysOf(pool: Pool, tenantId: string): Promise<readonly KeyRecord[]> {
  const admin = createKeyAdmin(pool, silent);
  const keys: KeyRecord[] = [];
  for (;;) {
    const page = await admin.list(adminClaims(tenantId), tenantId, limits.keysPerPageMax, keys.at(-1)?.id);
    keys.push(...page);
    if (page.length < limits.keysPerPageMax) return keys;
  }
}

/** A table for each tenant: its id would take half of every line. */
function tablesOf(keys: readonly Key[]): string {
  const table = tablePrinter<Key>([
    { title: "ID", least: 12, share: 0, text: ({ id }) => id },
    { title: "STATUS", least: 7, share: 0, text: ({ status }) => status },
    { title: "SCOPES", least: 18, share: 0, text: ({ scopes }) => scopes.join(",") },
    { title: "LAST USED", least: 16, share: 0, text: ({ last_used_at }) => last_used_at?.slice(0, 16).replace("T", " ") ?? "never" },
    { title: "NAME", least: 10, share: 1, text: ({ name }) => name },
  ], terminalWidth());
  return [...Map.groupBy(keys, ({ tenant_id }) => tenant_id)]
    .map(([tenant, own]) => [`tenant ${tenant}`, table.header(), ...own.map(table.row)].join("\n")).join("\n\n");
}

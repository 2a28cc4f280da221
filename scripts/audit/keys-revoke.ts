import { Command } from "commander";
import type { Pool } from "pg";
import { createKeyAdmin } from "../../adapters/postgres/key-admin.ts";
import { parseApiKey } from "../../core/api-key.ts";
import { keyBodyOf, type KeyRecord } from "../../core/key-admin.ts";
import { withExamples } from "./examples.ts";
import { CommandError } from "./failure.ts";
import { adminClaims, everyTenant, operatorEvent, silent, withDatabase } from "./operator.ts";
import { type DatabaseOptions, databaseTarget, tenantUuid, withDatabaseTarget } from "./target.ts";

type Options = DatabaseOptions & { readonly tenant?: string; readonly json?: boolean };

/** `audit-events keys revoke`: ends a key for good, also one of which nothing is known but that it turned up somewhere. */
export function revokeApiKeyCommand(): Command {
  const command = withDatabaseTarget(new Command("revoke").description("Revoke an API key, for good; everywhere within a minute"))
    .argument("<id>", "the 12 characters after aud_; the whole key is understood too")
    .option("--tenant <id>", "only if it is a key of this tenant")
    .option("--json", "tell the key as JSON")
    .action(run);
  return withExamples(command, "keys revoke 7f3k9q2m4x8a --local .audit");
}

async function run(named: string, options: Options): Promise<void> {
  const id = parseApiKey(named)?.id ?? named;
  if (!/^[0-9a-z]{12}$/.test(id)) {
    throw new CommandError("invalid_key", "read <id>: it is no key's: 12 lower-case letters and digits", "`keys list` shows them");
  }
  const url = databaseTarget(options);
  const tenantId = options.tenant === undefined ? undefined : tenantUuid(options.tenant);
  const { before, key } = await withDatabase(url, async (pool) => {
    const before = await find(pool, id, tenantId === undefined ? await everyTenant(pool) : [tenantId]);
    const record = before && operatorEvent(url, before.tenantId, { type: "audit.key.revoked", objectType: "audit.key", objectId: id, detail: {} });
    const key = record && await createKeyAdmin(pool, silent).revoke(adminClaims(before.tenantId), before.tenantId, id, record);
    return { before, key };
  });
  if (before === undefined || key === undefined) {
    const whose = tenantId === undefined ? "no tenant has one" : "the tenant has none";
    throw new CommandError("not_found", `revoke API key: ${whose} with this id`, "`keys list` shows those that there are");
  }
  if (options.json) return console.log(JSON.stringify({ key: keyBodyOf(key, new Date()) }));
  const about = `API key ${id} of tenant ${key.tenantId}`;
  const told = before.revokedAt === undefined ? "is revoked; it is refused everywhere within a minute" : `was revoked before, at ${before.revokedAt}`;
  console.log(`${about} ${told}`);
}

/** The key, whichever of the tenants has it. */
async function find(pool: Pool, id: string, tenants: readonly string[]): Promise<KeyRecord | undefined> {
  const admin = createKeyAdmin(pool, silent);
  for (const tenantId of tenants) {
    const key = await admin.find(adminClaims(tenantId), tenantId, id);
    if (key !== undefined) return key;
  }
  return undefined;
}

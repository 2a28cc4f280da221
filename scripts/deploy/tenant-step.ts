import { createHash, randomBytes, randomUUID } from "node:crypto";
import type pg from "pg";
import { makeApiKey } from "../../core/api-key.ts";
import type { Scope } from "../../core/caller.ts";
import { databaseUrlOf } from "./cli-steps.ts";
import { announce, type Step } from "./deployment.ts";
import { inDatabase } from "./in-database.ts";

/** The tenant whose only events are those of `smokeTest`, the same in every project. */
export const checkTenant = { id: "00000000-0000-4000-8000-00000000a0d1", name: "Deployment checks" } as const;

/** Makes a first tenant with a key that may post its events, unless the log has tenants. The key is shown once: the database keeps its hash. */
export const deployTenant: Step = async (deployment) => {
  const { project, say, tenantName } = deployment;
  if (!announce(deployment, `make the tenant "${tenantName}" with a key, unless the log has tenants`)) return;
  await inDatabase(databaseUrlOf(project), "audit_job", async (client) => {
    const { rows: [known] } = await client.query<{ count: number }>("select count(*)::integer as count from audit_log.tenants where id <> $1", [
      checkTenant.id,
    ]);
    if (known !== undefined && known.count > 0) return say(`  the log has ${known.count === 1 ? "a tenant" : `${known.count} tenants`}`);
    const id = randomUUID();
    await client.query("select audit_log.create_tenant($1, $2)", [id, tenantName]);
    const key = await createKey(client, id, "first key", ["ingest"], undefined);
    say(`  tenant ${id}\n  key    ${key.text}\n  The key is shown this once. It may post events of this tenant, and nothing else.`);
  });
};

/** Records a new key of a tenant; `client` acts as audit_job. */
export async function createKey(client: pg.Client, tenantId: string, name: string, scopes: readonly Scope[], expiresAt: Date | undefined) {
  const key = makeApiKey(randomBytes);
  const hash = createHash("sha256").update(key.text).digest();
  await client.query("select audit_log.create_key($1, $2, $3, $4, $5, $6)", [tenantId, key.id, hash, name, scopes, expiresAt?.toISOString() ?? null]);
  return key;
}

import { createHash, randomBytes, randomUUID } from "node:crypto";
import type pg from "pg";
import { actAs } from "../../adapters/postgres/act-as.ts";
import { makeApiKey } from "../../core/api-key.ts";
import type { Scope } from "../../core/caller.ts";
import { operatorEvent, silent, withDatabase } from "../audit/operator.ts";
import { databaseUrlOf } from "./cli-steps.ts";
import { announce, type Step } from "./deployment.ts";

/** The tenant whose only events are those of `smokeTest`, the same in every project. */
export const checkTenant = { id: "00000000-0000-4000-8000-00000000a0d1", name: "Deployment checks" } as const;

const firstKey = { name: "first key", scopes: ["ingest"] } as const;

/** Makes a first tenant with a key that may post its events, unless the log has tenants. The key is shown once: the database keeps its hash. */
export const deployTenant: Step = async (deployment) => {
  const { project, say, tenantName } = deployment;
  if (!announce(deployment, `make the tenant "${tenantName}" with a key, unless the log has tenants`)) return;
  const url = databaseUrlOf(project);
  const id = randomUUID();
  const key = makeApiKey(randomBytes);
  // Tenant, key and the record of it, or none of them: the next run would take a tenant without a key for done.
  const others = await withDatabase(url, (pool) =>
    actAs(pool, silent, "make first tenant", { role: "audit_job" }, async (transaction) => {
      const [known] = await transaction.rows<{ readonly count: number }>("select count(*)::integer as count from audit_log.tenants where id <> $1", [
        checkTenant.id,
      ]);
      if (known !== undefined && known.count > 0) return { result: known.count, events: [] };
      await transaction.rows("select audit_log.create_tenant($1, $2)", [id, tenantName]);
      await transaction.rows(createKeySql, [id, key.id, hashOf(key.text), firstKey.name, firstKey.scopes, null]);
      return { result: 0, events: [operatorEvent(url, id, { type: "audit.key.created", objectType: "audit.key", objectId: key.id, detail: firstKey })] };
    }));
  if (others > 0) return say(`  the log has ${others === 1 ? "a tenant" : `${others} tenants`}`);
  say(`  tenant ${id}\n  key    ${key.text}\n  The key is shown this once. It may post events of this tenant, and nothing else.`);
};

const createKeySql = "select audit_log.create_key($1, $2, $3, $4, $5, $6)";

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** Makes a key for a while; `client` acts as audit_job. */
export async function createPassingKey(client: pg.Client, tenantId: string, name: string, scopes: readonly Scope[], expiresAt: Date) {
  const key = makeApiKey(randomBytes);
  await client.query(createKeySql, [tenantId, key.id, hashOf(key.text), name, scopes, expiresAt.toISOString()]);
  return key;
}

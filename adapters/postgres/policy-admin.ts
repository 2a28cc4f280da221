import type { Pool } from "pg";
import type { Policy, PolicyAdmin } from "../../core/policy-admin.ts";
import type { Log } from "../../core/ports.ts";
import { actAs } from "./act-as.ts";
import { readAs } from "./claims.ts";
import { sql, statement } from "./query-fragment.ts";

/** Retention policies in `audit_log.retention_policies`. */
export function createPolicyAdmin(pool: Pool, log: Log): PolicyAdmin {
  return {
    find: (claims, tenantId) =>
      readAs({ pool, log }, claims, async (transaction) => {
        const [row] = await transaction.rows<PolicyRow>(onePolicy(tenantId));
        return row === undefined ? undefined : policyOf(row);
      }),
    set: (claims, { tenantId, years, defaultYears, changedBy, record }) =>
      actAs(pool, log, "set retention", { role: "authenticated", claims }, async (transaction) => {
        const text = "select was_years from audit_log.set_retention($1, $2, $3, $4)";
        const [was] = await transaction.rows<{ was_years: number | null }>(text, [tenantId, years ?? null, defaultYears, changedBy]);
        const one = statement(onePolicy(tenantId));
        const [row] = await transaction.rows<PolicyRow>(one.text, one.values);
        if (was === undefined || row === undefined) throw new Error("set retention: the database gave no row");
        return { result: policyOf(row), events: [record(was.was_years ?? undefined)] };
      }),
  };
}

type PolicyRow = { readonly retention_years: number | null; readonly changed_by: string; readonly changed_at: string };

const onePolicy = (tenantId: string) =>
  sql`select p.retention_years, p.changed_by, date_trunc('milliseconds', p.changed_at) as changed_at
    from audit_log.retention_policies p where p.tenant_id = ${tenantId}::uuid`;

function policyOf(row: PolicyRow): Policy {
  return { years: row.retention_years ?? undefined, changedBy: row.changed_by, changedAt: row.changed_at };
}

import type { Pool } from "pg";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import type { RateStore } from "../../core/rate-store.ts";
import { inTransaction } from "./transaction.ts";

type LeaseRow = { readonly place: number; readonly per_second: number; readonly granted: number; readonly tokens_left: number };

/** Buckets in `audit_log.rate_buckets`, by `audit_log.lease_tokens()`: one short transaction settles many of them, and waits for no disk. */
export function createRateStore(pool: Pool, log: Log): RateStore {
  const options = { role: "audit_ingest", action: "lease tokens", statementTimeoutMs: limits.keyStatementTimeoutMs, log } as const;
  return {
    lease: (asks) =>
      inTransaction(pool, options, async (transaction) => {
        const rows = await transaction.rows<LeaseRow>(
          "select place, per_second, granted, tokens_left from audit_log.lease_tokens($1::text[], $2::uuid[], $3::integer[], $4, $5::float8[], $6::float8[])",
          [
            asks.map(({ bucket }) => bucket),
            asks.map(({ tenantId }) => tenantId ?? null),
            asks.map(({ perSecond }) => perSecond),
            limits.rateBurstSeconds,
            asks.map(({ balance }) => balance),
            asks.map(({ wanted }) => wanted),
          ],
        );
        const byPlace = new Map(rows.map((row) => [row.place, row]));
        return asks.map((_, index) => {
          const row = byPlace.get(index + 1);
          if (row === undefined) throw new Error("lease tokens: the database left out a bucket");
          return { perSecond: row.per_second, granted: row.granted, left: row.tokens_left };
        });
      }),
  };
}

import { mergeStats, type SampledEvent } from "../../core/archived-stats.ts";
import { walkArchives } from "../../core/archived-walk.ts";
import type { Claims } from "../../core/caller.ts";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { bucketWidthMs } from "../../core/query-buckets.ts";
import type { Filter } from "../../core/query-filter.ts";
import type { Stats, StatsRequest } from "../../core/query-store.ts";
import type { ArchivedDays } from "./archived-days.ts";
import { type AcrossParts, areDeleted, daysWithin, sourceOf } from "./archived-reader.ts";
import type { ReadTransaction } from "./claims.ts";
import { readWindow } from "./claims.ts";
import { rowToEvent } from "./event-row.ts";
import { sql } from "./query-fragment.ts";
import { filterSql } from "./query-sql.ts";
import { facetsMs, orNothing, readHistogram, readStats } from "./query-stats.ts";

const triesMax = 3;

/** Statistics over hot and archived events. Counts cannot be told apart afterwards, so the archived days must be the same before and after counting. */
export async function statsAcross(parts: AcrossParts, claims: Claims, request: StatsRequest): Promise<Stats> {
  for (let tries = 0; tries < triesMax; tries++) {
    const counted = await readWindow(parts, claims, request.filter, async (transaction, filter) => {
      const end = parts.elapsedMs() + limits.queryStatementTimeoutMs;
      const leftMs = () => end - parts.elapsedMs();
      const before = await daysWithin(parts, transaction, filter);
      const hot = before.days.length === 0 ? await readStats(transaction, { ...request, filter }, leftMs) : await readHot(transaction, filter, request, leftMs);
      await transaction.resume(limits.queryStatementTimeoutMs);
      const after = await daysWithin(parts, transaction, filter);
      return { filter, archived: before, hot, isSteady: sameDays(before, after) };
    }, facetsMs);
    if (!counted.isSteady) continue;
    if ("buckets" in counted.hot) return counted.hot;
    const until = parts.elapsedMs() + limits.archivedReadMs;
    const walk = walkArchives(sourceOf(parts), {
      ...counted.archived,
      filter: counted.filter,
      order: "desc",
      after: undefined,
      until: undefined,
      receivedMax: undefined,
      areDeleted: areDeleted(parts, claims, counted.filter),
      budget: { leftMs: () => until - parts.elapsedMs(), bytesMax: limits.archivedReadBytes },
    });
    return await mergeStats(counted.filter, bucketMsOf(request), counted.hot, walk);
  }
  throw new AuditError("unavailable", "count events: days are being archived at this moment", { retryAfterSeconds: 2 });
}

async function readHot(transaction: ReadTransaction, filter: Filter, request: StatsRequest, leftMs: () => number) {
  const newest = await orNothing(transaction.rows(
    sql`select e.occurred_at, e.id, e.event_type, e.source, e.actor_id, e.object_type, e.result, e.duration_ms from audit_log.events e
      where ${filterSql(filter)} order by e.occurred_at desc, e.id desc limit ${limits.statsFacetRowsMax}::bigint`,
  ));
  const { counts, countedFrom } = await readHistogram(transaction, filter, bucketMsOf(request), leftMs);
  return { counts, countedFrom, newest: newest?.map((row) => rowToEvent(row) as SampledEvent), freshAsOf: transaction.freshAsOf };
}

function bucketMsOf({ filter, buckets }: StatsRequest): number {
  return bucketWidthMs(filter.from, filter.to, buckets);
}

function sameDays(a: ArchivedDays, b: ArchivedDays): boolean {
  return a.days.map(({ day }) => day).join() === b.days.map(({ day }) => day).join();
}

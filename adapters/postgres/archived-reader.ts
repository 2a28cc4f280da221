import { mergePage } from "../../core/archived-page.ts";
import type { ArchiveSource } from "../../core/archived-source.ts";
import { isAhead, walkArchives } from "../../core/archived-walk.ts";
import type { Claims } from "../../core/caller.ts";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Filter } from "../../core/query-filter.ts";
import type { EventKey, Page, PageRequest, StoredEvent } from "../../core/query-store.ts";
import { shifted } from "../../core/query-time.ts";
import type { ArchivedDays } from "./archived-days.ts";
import { noArchivedDays, readArchivedDays, readDeleted } from "./archived-days.ts";
import type { ReadPool, ReadTransaction } from "./claims.ts";
import { readAs, readWindow } from "./claims.ts";
import type { EventRowRead } from "./query-page.ts";
import { readPage, selectEvents, storedEvent, wholeQuestionMs } from "./query-page.ts";
import { sql } from "./query-fragment.ts";
import { keySql, notDeleted } from "./query-sql.ts";

/** What reading across the line needs. `source` is undefined where no archive is configured: questions that need one are refused, not cut short. */
export type ArchivedAccess = { readonly source: ArchiveSource | undefined; readonly eventMaxAgeDays: number };

export type AcrossParts = ReadPool & ArchivedAccess & { readonly elapsedMs: () => number };

/** The archived days that a window may reach. A day is closed only when no event of it is accepted any more, so younger windows need no look. */
export async function daysWithin({ eventMaxAgeDays }: ArchivedAccess, transaction: ReadTransaction, filter: Filter): Promise<ArchivedDays> {
  if (filter.from >= shifted(transaction.freshAsOf, -(eventMaxAgeDays + 1) * 86_400_000)) return noArchivedDays;
  return await readArchivedDays(transaction, filter.tenantId, filter.from, filter.to);
}

/** One page of hot and archived events. */
export async function pageAcross(parts: AcrossParts, claims: Claims, request: PageRequest): Promise<Page> {
  const { order, limit, after } = request;
  const skip = request.offset ?? 0;
  const first = await hotPage(parts, claims, request);
  const reachOf = ({ page, archived }: HotPage) => archived.days.filter(({ day }) => isAhead(order, day, after, page.next));
  if (first.archived.days.length === 0 || (skip === 0 && reachOf(first).length === 0)) return first.page;
  // What is to be skipped is counted over both, so Postgres must not skip any.
  const hot = skip === 0 ? first : await hotPage(parts, claims, { ...request, offset: undefined, limit: limit + skip });
  const days = reachOf(hot);
  const own = new Set(days.map(({ day }) => day));
  const events = hot.page.events.filter(({ event }) => !own.has(event.occurred_at.slice(0, 10)));
  const end = parts.elapsedMs() + limits.archivedReadMs;
  const walk = walkArchives(sourceOf(parts), {
    days,
    keys: hot.archived.keys,
    filter: hot.filter,
    order,
    after,
    until: hot.page.next,
    receivedMax: request.receivedMax,
    areDeleted: areDeleted(parts, claims, hot.filter),
    budget: { leftMs: () => end - parts.elapsedMs(), bytesMax: limits.archivedReadBytes },
  });
  return await mergePage({ ...hot.page, events }, walk, { order, limit, skip });
}

type HotPage = { readonly page: Page; readonly archived: ArchivedDays; readonly filter: Filter };

function hotPage(parts: AcrossParts, claims: Claims, request: PageRequest): Promise<HotPage> {
  return readWindow(parts, claims, request.filter, async (transaction, filter) => {
    const end = parts.elapsedMs() + limits.queryStatementTimeoutMs;
    const page = await readPage(transaction, { ...request, filter }, () => end - parts.elapsedMs());
    if (page.partial) await transaction.resume(limits.queryStatementTimeoutMs);
    return { page, filter, archived: await daysWithin(parts, transaction, filter) };
  }, wholeQuestionMs);
}

/** The event with this key, hot or archived. */
export async function findAcross(parts: AcrossParts, claims: Claims, key: EventKey, includeDeleted: boolean): Promise<StoredEvent | undefined> {
  const { tenantId, occurredAt, id } = key;
  const filter: Filter = { tenantId, from: occurredAt, to: occurredAt, conditions: [{ kind: "id", values: [id], negated: false }], includeDeleted };
  const { found, archived } = await readAs(parts, claims, async (transaction) => {
    const [row] = await transaction.rows<EventRowRead>(sql`${selectEvents} where ${keySql(key)} and (${includeDeleted} or ${notDeleted})`);
    return { found: row && storedEvent(row), archived: row === undefined ? await daysWithin(parts, transaction, filter) : noArchivedDays };
  });
  if (found !== undefined || archived.days.length === 0) return found;
  const budget = { leftMs: () => Infinity, bytesMax: Infinity };
  const walk = { ...archived, filter, order: "asc", after: undefined, until: undefined, receivedMax: undefined, budget } as const;
  for await (const { events } of walkArchives(sourceOf(parts), { ...walk, areDeleted: areDeleted(parts, claims, filter) })) {
    if (events[0] !== undefined) return events[0];
  }
  return undefined;
}

/** Looks deletions up for archived events, which have no row that SQL could leave out. */
export function areDeleted(parts: ReadPool, claims: Claims, { tenantId, includeDeleted }: Filter) {
  if (includeDeleted) return undefined;
  return (events: readonly StoredEvent[]) => readAs(parts, claims, (transaction) => readDeleted(transaction, tenantId, events));
}

export function sourceOf({ source }: ArchivedAccess): ArchiveSource {
  if (source !== undefined) return source;
  throw new AuditError("unavailable", "read archive: the window reaches into archived days, and this service has no AUDIT_ARCHIVE_URL to read them from");
}

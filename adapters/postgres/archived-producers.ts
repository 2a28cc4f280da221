import { type Counted, countedFilter, mergeProducers } from "../../core/archived-producers.ts";
import { walkArchives } from "../../core/archived-walk.ts";
import type { Claims } from "../../core/caller.ts";
import { limits } from "../../core/limits.ts";
import type { ProducerFigures } from "../../core/producers.ts";
import type { Filter } from "../../core/query-filter.ts";
import { noArchivedDays } from "./archived-days.ts";
import { type AcrossParts, daysWithin, sourceOf } from "./archived-reader.ts";
import { readAs } from "./claims.ts";
import { readCounted, readProducers } from "./query-producers.ts";

/** What the counters of producers tell over hot and archived events, the latter newest first, as far as the budget allows. */
export async function producersAcross(parts: AcrossParts, claims: Claims, filter: Filter): Promise<ProducerFigures> {
  const { hot, archived, counted } = await readAs(parts, claims, async (transaction) => {
    const hot = await readProducers(transaction, filter);
    const archived = hot.isCapped ? noArchivedDays : await daysWithin(parts, transaction, filter);
    // Which numbers are missing is told by all of them together. No day can leave between the two readings: the first keeps its lock.
    const counted: readonly Counted[] = archived.days.length === 0 ? [] : await readCounted(transaction, filter);
    return { hot, archived, counted };
  });
  if (archived.days.length === 0) return hot;
  const end = parts.elapsedMs() + limits.archivedReadMs;
  const walk = walkArchives(sourceOf(parts), {
    ...archived,
    filter: countedFilter(filter),
    order: "desc",
    after: undefined,
    until: undefined,
    receivedMax: undefined,
    areDeleted: undefined,
    budget: { leftMs: () => end - parts.elapsedMs(), bytesMax: limits.archivedReadBytes },
  });
  return await mergeProducers(filter, { counted, freshAsOf: hot.freshAsOf }, walk);
}

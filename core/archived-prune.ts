import type { ArchiveGroup } from "./archive-file.ts";
import type { Condition, Filter } from "./query-filter.ts";
import { isAscii } from "./query-filter.ts";

/** False only if no event of `group` can be one that `filter` asks for: told from the least and greatest values that the file keeps of it. */
export function mayMatch(filter: Filter, group: Pick<ArchiveGroup, "firstOccurredAt" | "lastOccurredAt" | "range">): boolean {
  return group.firstOccurredAt <= filter.to && group.lastOccurredAt >= filter.from && filter.conditions.every((condition) => mayHold(condition, group));
}

function mayHold(condition: Condition, group: Pick<ArchiveGroup, "range">): boolean {
  if (condition.negated) return true;
  if (condition.kind === "result") return spans(group.range("result"), condition.values, []);
  if (condition.kind === "text") return spans(group.range(condition.field), condition.values, condition.prefixes);
  return true;
}

/** Statistics may be cut, the least downwards and the greatest upwards. Beyond ASCII the order of code units is not that of bytes: nothing is skipped then. */
function spans(range: { readonly min: string; readonly max: string } | undefined, values: readonly string[], prefixes: readonly string[]): boolean {
  if (range === undefined) return true;
  const { min, max } = range;
  return values.some((value) => !isAscii(value) || (value >= min && value <= max)) ||
    prefixes.some((prefix) => !isAscii(prefix) || (prefix <= max && (prefix >= min || min.startsWith(prefix))));
}

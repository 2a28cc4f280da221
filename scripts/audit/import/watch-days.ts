import { parseTimestamp } from "../../../core/format/timestamp.ts";
import type { ImportItem } from "../../../core/import.ts";

/** Looks at items as they pass, and says which UTC days they belong to. */
export function watchDays() {
  const days = new Set<string>();
  return {
    async *watch(items: AsyncIterable<ImportItem>): AsyncGenerator<ImportItem> {
      for await (const item of items) {
        const at = "event" in item ? item.event["occurred_at"] : undefined;
        const ms = typeof at === "string" ? parseTimestamp(at) : undefined;
        if (ms !== undefined) days.add(new Date(ms).toISOString().slice(0, 10));
        yield item;
      }
    },
    summary: () => {
      const sorted = [...days].sort();
      return { first: sorted.at(0), last: sorted.at(-1), count: sorted.length };
    },
  };
}

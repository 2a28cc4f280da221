import type { ArchivedStep } from "./archived-walk.ts";
import { inOrder } from "./archived-walk.ts";
import type { Order, Position } from "./query-filter.ts";
import type { Page, StoredEvent } from "./query-store.ts";

export type PageBounds = { readonly order: Order; readonly limit: number; readonly skip: number };

/**
 * One page of what is hot and what is archived, in order. `hot` was asked for `limit + skip` events without an offset, and knows all up to its `next`;
 * `walk` is of the archived days up to there, and no hot event is of one of these days. What the walk could not reach is left for the next page.
 */
export async function mergePage(hot: Page, walk: AsyncGenerator<ArchivedStep, Position | undefined>, bounds: PageBounds): Promise<Page> {
  const { order, limit, skip } = bounds;
  const needed = skip + limit + 1;
  const merged: StoredEvent[] = [];
  let taken = 0;
  const takeHotUpTo = (place: Position | undefined) => {
    for (; taken < hot.events.length && merged.length < needed; taken++) {
      const event = hot.events[taken];
      if (event === undefined || (place !== undefined && inOrder(order, positionOf(event), place) > 0)) return;
      merged.push(event);
    }
  };
  let stoppedAt: Position | undefined;
  for (;;) {
    const step = await walk.next();
    if (step.done) {
      stoppedAt = step.value;
      break;
    }
    for (const event of step.value.events) {
      takeHotUpTo(positionOf(event));
      if (merged.length < needed) merged.push(event);
    }
    takeHotUpTo(step.value.place);
    if (merged.length >= needed) break;
  }
  takeHotUpTo(stoppedAt);
  const shown = merged.slice(skip, skip + limit);
  const page = { events: shown, freshAsOf: hot.freshAsOf };
  const last = shown.at(-1);
  if (merged.length >= needed && last !== undefined) return { ...page, next: positionOf(last), partial: false };
  const offset = Math.max(0, skip - merged.length);
  if (stoppedAt !== undefined) return { ...page, next: stoppedAt, partial: true, offset };
  return { ...page, next: hot.next, partial: hot.partial, sliceMs: hot.sliceMs, offset };
}

function positionOf({ event }: StoredEvent): Position {
  return { occurredAt: event.occurred_at, id: event.id };
}

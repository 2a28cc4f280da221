import type { ArchivedStep } from "./archived-walk.ts";
import { limits } from "./limits.ts";
import type { ProducerFigure, ProducerFigures, ProducerGap } from "./producers.ts";
import type { Condition, Filter, Position } from "./query-filter.ts";

/** One number of a producer's counter, and when the event that carries it happened. */
export type Counted = { readonly producerId: string; readonly seq: number; readonly occurredAt: string };

const fromAnyProducer: Condition = { kind: "text", field: "producer_id", values: [], prefixes: [""], negated: false };

/** What a walk must be asked for: softly deleted events too, since nothing of them was lost. */
export function countedFilter(filter: Filter): Filter {
  return { ...filter, conditions: [...filter.conditions, fromAnyProducer], includeDeleted: true };
}

/**
 * What counters tell over hot and archived events: a number that stands on the other side of the line is not missing. `walk` goes from the newest to the
 * oldest, so that what the budget or `eventsMax` cut off is the oldest, and from when on events were compared is said.
 */
export async function mergeProducers(
  filter: Filter,
  hot: { readonly counted: readonly Counted[]; readonly freshAsOf: string },
  walk: AsyncGenerator<ArchivedStep, Position | undefined>,
  eventsMax: number = limits.producerEventsMax,
): Promise<ProducerFigures> {
  const counted = [...hot.counted];
  let stoppedAt: string | undefined;
  reading: for (;;) {
    const step = await walk.next();
    if (step.done) {
      stoppedAt = step.value?.occurredAt;
      break;
    }
    for (const { event } of step.value.events) {
      if (event.producer_id === undefined || event.producer_seq === undefined) continue;
      if (counted.length >= eventsMax) {
        stoppedAt = event.occurred_at;
        break reading;
      }
      counted.push({ producerId: event.producer_id, seq: event.producer_seq, occurredAt: event.occurred_at });
    }
  }
  return {
    countedEvents: counted.length,
    countedFrom: stoppedAt ?? filter.from,
    isCapped: stoppedAt !== undefined,
    producers: figuresOf(counted),
    freshAsOf: hot.freshAsOf,
  };
}

/** In the order in which SQL gives them: those first that miss most. */
function figuresOf(counted: readonly Counted[]): readonly ProducerFigure[] {
  const byProducer = [...Map.groupBy(counted, ({ producerId }) => producerId)];
  return byProducer.map(([producerId, events]) => figureOf(producerId, events))
    .sort((a, b) => b.missing - a.missing || order(b.lastAt, a.lastAt) || order(a.producerId, b.producerId))
    .slice(0, limits.producersMax);
}

function figureOf(producerId: string, counted: readonly Counted[]): ProducerFigure {
  const steps = counted.toSorted((a, b) => a.seq - b.seq);
  const [first, last] = [steps[0] as Counted, steps.at(-1) as Counted];
  const gaps: ProducerGap[] = [];
  let [missing, firstAt, lastAt] = [0, first.occurredAt, first.occurredAt];
  let before = first;
  for (const step of steps) {
    if (step.occurredAt < firstAt) firstAt = step.occurredAt;
    if (step.occurredAt > lastAt) lastAt = step.occurredAt;
    if (step.seq > before.seq + 1) {
      missing += step.seq - before.seq - 1;
      gaps.push({ firstSeq: before.seq + 1, lastSeq: step.seq - 1, after: before.occurredAt, before: step.occurredAt });
    }
    before = step;
  }
  const latest = gaps.slice(-limits.producerGapsMax).reverse();
  return { producerId, events: steps.length, firstSeq: first.seq, lastSeq: last.seq, firstAt, lastAt, missing, gaps: latest };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

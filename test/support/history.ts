/** An event as a client meant it. `marker` is unique to the intent and travels in a stored field, so that a row can be traced to it even if its id was changed. */
export type Intent = { readonly marker: string; readonly tenantId: string; readonly fields: Readonly<Record<string, unknown>> };

/** What one attempt learned about one event. `unknown`: no answer, so it may or may not be stored. */
export type Outcome =
  | { readonly type: "ok"; readonly status: "created" | "duplicate"; readonly leafHash?: string }
  | { readonly type: "fail"; readonly code: string }
  | { readonly type: "unknown"; readonly reason: string };

/** One line of a history. `order` is its place: an attempt whose `invoke` has a higher order than another's `ok` began after that answer. */
export type HistoryRecord =
  & { readonly order: number; readonly atMs: number; readonly client: string; readonly attempt: number; readonly marker: string }
  & ({ readonly type: "invoke"; readonly intent: Intent } | Outcome);

/** One try at a batch. An event that is never settled counts as unknown. */
export type Attempt = {
  settle(marker: string, outcome: Outcome): void;
  /** Settles every event of the attempt that has no outcome yet as unknown. */
  abandon(reason: string): void;
};

/**
 * What clients did and what they were told, in the order in which they did it and heard it; nothing is ever changed or removed. An attempt is
 * written down before its first byte is sent: an event that is stored and yet missing here was invented by the system.
 */
export type History = {
  begin(client: string, intents: readonly Intent[]): Attempt;
  records(): readonly HistoryRecord[];
  /** One JSON line per record, to keep with a failed run. */
  toLines(): string;
};

/** An empty history. `nowMs` stamps records; only their order is used in judging. */
export function createHistory(nowMs: () => number = () => performance.now()): History {
  const records: HistoryRecord[] = [];
  let attempts = 0;

  function begin(client: string, intents: readonly Intent[]): Attempt {
    const attempt = attempts++;
    const open = new Set<string>();
    for (const intent of intents) {
      open.add(intent.marker);
      append({ client, attempt, marker: intent.marker, type: "invoke", intent });
    }
    return {
      settle(marker, outcome) {
        if (!open.delete(marker)) throw new Error(`settle an event: not open in this attempt: ${marker}`);
        append({ client, attempt, marker, ...outcome });
      },
      abandon(reason) {
        for (const marker of open) append({ client, attempt, marker, type: "unknown", reason });
        open.clear();
      },
    };
  }

  function append(record: WithoutPlace<HistoryRecord>): void {
    records.push(Object.freeze({ ...record, order: records.length, atMs: nowMs() }) as HistoryRecord);
  }

  return { begin, records: () => records.slice(), toLines: () => records.map((record) => JSON.stringify(record)).join("\n") };
}

type WithoutPlace<T> = T extends unknown ? Omit<T, "order" | "atMs"> : never;

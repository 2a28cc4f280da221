import { limits } from "./limits.ts";
import type { StoredEvent } from "./query-store.ts";

/** Whose log is followed, and whether softly deleted events are shown. Whoever asks has been authorised for both. */
export type FeedScope = { readonly tenantId: string; readonly includeDeleted: boolean };

/** A run of leaves: `events` are those of them that may be shown, in leaf order; `next` is the index of the first leaf behind it. */
export type SealedPage = { readonly events: readonly SealedEvent[]; readonly next: number };
export type SealedEvent = StoredEvent & { readonly leafIndex: number };

/** Reads what is sealed. Throws `unavailable` when the store cannot be reached, `position_archived` when a leaf that is asked for is no longer in Postgres. */
export type SealedReader = {
  /** Leaves of each tenant's tree; tenants without a tree are absent. */
  sizes(tenantIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** At most `limit` leaves from index `from` on. */
  page(scope: FeedScope, from: number, limit: number): Promise<SealedPage>;
};

/** Hands out sealed events as they come, with one poll for all who wait. */
export type SealedFeed = {
  /** Leaves of the tenant's tree now. */
  size(tenantId: string): Promise<number>;
  /** The leaves from index `from` on, as soon as there is one. Rejects when the store fails, and with the signal's reason when that fires. */
  next(scope: FeedScope, from: number, signal: AbortSignal): Promise<SealedPage>;
};

type Waiter = { readonly tenantId: string; readonly from: number; readonly wake: () => void; readonly fail: (error: unknown) => void };

/**
 * A feed over `reader` for one process. While somebody waits, the sizes of all trees that are waited for are asked once a second, whatever the number
 * of connections; readers that stand at the same leaf share one page.
 */
export function createSealedFeed(reader: SealedReader, sleep: (ms: number) => Promise<void>): SealedFeed {
  const waiting = new Set<Waiter>();
  const pages = new Map<string, Promise<SealedPage>>();
  let polling = false;

  const readPage = (scope: FeedScope, from: number): Promise<SealedPage> => {
    const key = `${scope.tenantId} ${scope.includeDeleted} ${from}`;
    const shared = pages.get(key) ?? reader.page(scope, from, limits.streamPageRows).finally(() => pages.delete(key));
    pages.set(key, shared);
    return shared;
  };

  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    try {
      while (waiting.size > 0) {
        const sizes = await reader.sizes([...new Set([...waiting].map(({ tenantId }) => tenantId))]);
        for (const waiter of waiting) if ((sizes.get(waiter.tenantId) ?? 0) > waiter.from) waiter.wake();
        if (waiting.size > 0) await sleep(limits.streamPollMs);
      }
    } catch (error) {
      for (const waiter of waiting) waiter.fail(error);
    } finally {
      polling = false;
    }
  };

  const grown = (tenantId: string, from: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(waiter);
        signal.removeEventListener("abort", giveUp);
      };
      const waiter: Waiter = { tenantId, from, wake: () => (leave(), resolve()), fail: (error) => (leave(), reject(error)) };
      const giveUp = () => waiter.fail(signal.reason);
      if (signal.aborted) return giveUp();
      signal.addEventListener("abort", giveUp);
      waiting.add(waiter);
      void poll();
    });

  return {
    size: async (tenantId) => (await reader.sizes([tenantId])).get(tenantId) ?? 0,
    next: async (scope, from, signal) => {
      for (;;) {
        const page = await readPage(scope, from);
        if (page.next > from) return page;
        await grown(scope.tenantId, from, signal);
      }
    },
  };
}

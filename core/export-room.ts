import { AuditError } from "./errors.ts";

/** How many exports one process makes at a time, of all tenants and of one, and how long one more may wait for its turn. */
export type ExportRoomLimits = { readonly places: number; readonly placesPerTenant: number; readonly waitMs: number };

/** Where exports are made. Every place that was entered must be left; leaving again does nothing. */
export type ExportRoom = {
  /** Resolves with a place, first come, first served. Throws `unavailable` when none is free in time; `signal` gives up waiting. */
  enter(tenantId: string, signal: AbortSignal): Promise<{ readonly leave: () => void }>;
};

/**
 * Room for exports in one process. Each holds a page, a group of rows and a piece of its file for as long as its client takes: fifty at once were more
 * than the heap that the server is given, and had its connections to the database among themselves. One tenant has never all places, so that those of
 * others find one.
 */
export function createExportRoom({ places, placesPerTenant, waitMs }: ExportRoomLimits): ExportRoom {
  const taken = new Map<string, number>();
  const waiting: Waiter[] = [];
  let free = places;

  const hasPlace = (tenantId: string) => free > 0 && (taken.get(tenantId) ?? 0) < placesPerTenant;

  const take = (tenantId: string) => {
    free--;
    taken.set(tenantId, (taken.get(tenantId) ?? 0) + 1);
    let isLeft = false;
    const leave = () => {
      if (isLeft) return;
      isLeft = true;
      free++;
      const rest = (taken.get(tenantId) ?? 1) - 1;
      if (rest === 0) taken.delete(tenantId);
      else taken.set(tenantId, rest);
      admit();
    };
    return { leave };
  };

  const admit = () => {
    const next = waiting.find(({ tenantId }) => hasPlace(tenantId));
    if (next !== undefined) next.start();
  };

  return {
    enter: (tenantId, signal) => {
      // Whoever waits and could go was let in when there was room: nobody is overtaken here.
      if (hasPlace(tenantId)) return Promise.resolve(take(tenantId));
      return new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", giveUp);
          waiting.splice(waiting.indexOf(waiter), 1);
        };
        const giveUp = () => {
          end();
          reject(new AuditError("unavailable", "export events: too many exports are being made; try again", { retryAfterSeconds: 5 }));
        };
        const waiter: Waiter = {
          tenantId,
          start: () => {
            end();
            resolve(take(tenantId));
          },
        };
        const timer = setTimeout(giveUp, waitMs);
        signal.addEventListener("abort", giveUp);
        waiting.push(waiter);
        if (signal.aborted) giveUp();
      });
    },
  };
}

type Waiter = { readonly tenantId: string; readonly start: () => void };

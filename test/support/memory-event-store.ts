import { keyOf } from "../../core/batch.ts";
import type { BatchClaim, Confirm, EventRow, EventStore, ExistingRow, InsertOutcome } from "../../core/ports.ts";
import { formatTimestamp } from "../../core/format/timestamp.ts";

/** An EventStore in memory, for tests of what stands on the port; it passes the same contract as the one on Postgres. */
export type MemoryEventStore = EventStore & {
  readonly rows: () => readonly EventRow[];
  readonly closeDay: (day: string) => void;
  /** Makes every claim so much older. */
  readonly ageClaims: (ms: number) => void;
  /** The next call fails with `error`, with nothing stored. */
  readonly failNext: (error: Error) => void;
  /** Calls from now on wait for `gate` first. */
  readonly blockUntil: (gate: Promise<void>) => void;
};

export function memoryEventStore(): MemoryEventStore {
  const stored = new Map<string, EventRow>();
  const claims = new Map<string, { readonly bodyHash: string; readonly receivedAt: string; readonly claimedMs: number }>();
  const closed = new Set<string>();
  let failure: Error | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** One transaction at a time, and asynchronous like a real one. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(async () => {
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      return await work();
    });
    last = turn.catch(() => undefined);
    return turn;
  }

  function insertNow(rows: readonly EventRow[], confirm: Confirm | undefined): InsertOutcome {
    const fresh = rows.filter(({ event }) => !stored.has(keyOf(event)));
    const isClosed = ({ event }: EventRow) => closed.has(event.occurred_at.slice(0, 10));
    const outcome = {
      existing: rows.flatMap(({ event }) => existingOf(stored.get(keyOf(event)))),
      closedDays: [...new Set(fresh.filter(isClosed).map(({ event }) => event.occurred_at.slice(0, 10)))],
    };
    if (confirm?.(outcome) === false) return outcome;
    for (const row of fresh) if (!isClosed(row)) stored.set(keyOf(row.event), row);
    return outcome;
  }

  function claimNow(claim: BatchClaim) {
    const key = `${claim.principal} ${claim.keyHash.join()}`;
    const bodyHash = claim.bodyHash.join();
    const known = claims.get(key);
    const isFree = known === undefined || known.claimedMs < Date.now() - 24 * 3_600_000;
    const standing = isFree ? { bodyHash, receivedAt: claim.receivedAt, claimedMs: Date.now() } : known;
    return {
      key,
      standing,
      outcome: { first: isFree, sameBody: standing.bodyHash === bodyHash, receivedAt: formatTimestamp(Date.parse(standing.receivedAt)) },
    };
  }

  return {
    insert: (rows, confirm) => inTurn(() => Promise.resolve(insertNow(rows, confirm))),
    insertOnce: (claim, prepare, confirm) =>
      inTurn(async () => {
        const { key, standing, outcome } = claimNow(claim);
        const rows = await prepare(outcome);
        claims.set(key, standing);
        return insertNow(rows, confirm);
      }),
    rows: () => [...stored.values()],
    closeDay: (day) => closed.add(day),
    ageClaims: (ms) => {
      for (const [key, claim] of claims) claims.set(key, { ...claim, claimedMs: claim.claimedMs - ms });
    },
    failNext: (error) => {
      failure = error;
    },
    blockUntil: (gate) => {
      last = last.then(() => gate);
    },
  };
}

function existingOf(row: EventRow | undefined): readonly ExistingRow[] {
  if (row === undefined) return [];
  const { tenant_id, occurred_at, id, received_at, principal, ip_address, user_agent, device_fingerprint } = row.event;
  const fields = Object.entries({ ip_address, user_agent, device_fingerprint }).filter(([, value]) => value !== undefined);
  return [{ tenant_id, occurred_at, id, received_at, principal, ...Object.fromEntries(fields), leafHash: row.leafHash }];
}

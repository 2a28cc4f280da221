import type { DropReason } from "../event.ts";

/** Events given up since the last report, of one tenant. Times are milliseconds since 1970. */
export type DropAccount = {
  tenantId: string | undefined;
  count: number;
  reasons: Partial<Record<DropReason, number>>;
  since: number;
  until: number;
};

/** What was dropped, in total and not yet reported. Accounts are bounded: beyond that, drops of further tenants share the nameless account. */
export type DropLedger = {
  total: number;
  readonly byReason: Record<DropReason, number>;
  readonly unreported: Map<string, DropAccount>;
};

const accountsMax = 256;

export function dropLedger(): DropLedger {
  return {
    total: 0,
    byReason: {
      queue_full: 0,
      spool_full: 0,
      spool_corrupt: 0,
      closed: 0,
      invalid: 0,
    },
    unreported: new Map(),
  };
}

/** Counts `count` events of a tenant as given up at `at`. */
export function recordDrop(ledger: DropLedger, tenantId: string | undefined, reason: DropReason, at: number, count = 1): void {
  ledger.total += count;
  ledger.byReason[reason] += count;
  const known = ledger.unreported.has(tenantId ?? "") || ledger.unreported.size < accountsMax;
  const key = known ? tenantId ?? "" : "";
  const account = ledger.unreported.get(key) ??
    {
      tenantId: known ? tenantId : undefined,
      count: 0,
      reasons: {},
      since: at,
      until: at,
    };
  account.count += count;
  account.reasons[reason] = (account.reasons[reason] ?? 0) + count;
  account.until = at;
  ledger.unreported.set(key, account);
}

/** Takes one account off the ledger to report it; undefined when nothing is unreported. */
export function takeUnreported(ledger: DropLedger): DropAccount | undefined {
  const first = ledger.unreported.entries().next().value;
  if (first === undefined) return undefined;
  ledger.unreported.delete(first[0]);
  return first[1];
}

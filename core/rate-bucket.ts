import { limits } from "./limits.ts";
import type { Lease, LeaseAsk } from "./rate-store.ts";

/** How a bucket stands: `perSecond` its rate, `remaining` whole tokens, `resetSeconds` until there are tokens again or, when there are, until it is full. */
export type BucketState = { readonly perSecond: number; readonly burst: number; readonly remaining: number; readonly resetSeconds: number };

/**
 * One process's part of a bucket that all processes share. Tokens are spent first and settled later: nobody waits for the store, and the debt that
 * builds up while an answer is under way is taken from the next lease. Times are of a clock that only goes forward.
 */
export type RateBucket = {
  /** False while the bucket is known to be empty, or more was spent on credit than may be. */
  isOpen(nowMs: number): boolean;
  spend(tokens: number): void;
  /** True when it is time to ask for a lease. */
  needsLease(nowMs: number): boolean;
  /** What to ask; the balance is then settled, and spending goes on against the answer. */
  ask(): LeaseAsk;
  granted(ask: LeaseAsk, lease: Lease, nowMs: number): void;
  /** The store does not answer: go on at the known rate, by ourselves. */
  ungranted(ask: LeaseAsk, forMs: number): void;
  state(nowMs: number): BucketState;
};

/** A bucket named `name` of which nothing is known yet but its default rate. */
export function rateBucket(name: string, tenantId: string | undefined, defaultPerSecond: number): RateBucket {
  let perSecond = defaultPerSecond;
  let balance = 0;
  let settling = 0;
  let spentSinceAsk = 0;
  let left: number | undefined;
  let closedUntilMs = -Infinity;
  const burst = () => perSecond * limits.rateBurstSeconds;
  const credit = () => Math.max(perSecond * limits.rateCreditSeconds, 1);

  return {
    isOpen: (nowMs) => nowMs >= closedUntilMs && balance > -credit(),
    spend: (tokens) => {
      balance -= tokens;
      spentSinceAsk += tokens;
    },
    needsLease: (nowMs) => nowMs >= closedUntilMs && balance <= (left === undefined ? 0 : spentSinceAsk / 4),
    ask: () => {
      // Half as much again as the last lease lasted for, so that it lasts longer; never so much that other processes find nothing.
      const wanted = Math.min(Math.max(spentSinceAsk * 1.5, perSecond / 10, 1), perSecond * limits.rateLeaseSeconds);
      const ask = { bucket: name, tenantId, perSecond: defaultPerSecond, balance, wanted };
      settling += balance;
      balance = 0;
      spentSinceAsk = 0;
      return ask;
    },
    granted: (ask, lease, nowMs) => {
      settling -= ask.balance;
      perSecond = lease.perSecond;
      balance += lease.granted;
      left = lease.left;
      const isEmpty = lease.granted < 1 && balance <= 0;
      // Until the debt is paid and there is a little to spend: opening for a single token would close again at once.
      if (isEmpty) closedUntilMs = nowMs + (Math.max(0, -left) / perSecond + limits.ratePauseSeconds) * 1000;
    },
    ungranted: (ask, forMs) => {
      settling -= ask.balance;
      balance += ask.wanted + perSecond * forMs / 1000;
      left = undefined;
    },
    state: (nowMs) => {
      const remaining = Math.max(0, Math.min(burst(), Math.floor((left ?? burst()) + balance + settling)));
      const closedMs = closedUntilMs - nowMs;
      return {
        perSecond,
        burst: burst(),
        remaining: closedMs > 0 ? 0 : remaining,
        resetSeconds: Math.ceil(closedMs > 0 ? closedMs / 1000 : (burst() - remaining) / perSecond),
      };
    },
  };
}

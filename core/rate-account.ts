import { limits } from "./limits.ts";
import type { Lease, LeaseAsk } from "./rate-store.ts";

/**
 * What one process knows of the tokens in a bucket that all processes share. It spends from a lease, or on credit, and settles later with the store.
 * Times are of a clock that only goes forward.
 */
export type RateAccount = {
  perSecond(): number;
  /** The most that the bucket holds. */
  burst(): number;
  /** What is left of the lease; below zero on credit. */
  balance(): number;
  /** Tokens there are in all, below zero in debt: the store's as it said and as they have grown since, what is being settled, and the balance. */
  total(nowMs: number): number;
  hasCredit(): boolean;
  /** True when the lease runs out, or is so old that quotas may have changed. */
  isDue(nowMs: number): boolean;
  spend(tokens: number): void;
  /** What to ask the store; the balance is then being settled, and spending goes on against the answer. */
  ask(): Pick<LeaseAsk, "balance" | "wanted">;
  /** The store's answer, `lease`, to what was asked at `askedMs`. */
  granted(ask: LeaseAsk, lease: Lease, askedMs: number): void;
  /** The store does not answer: as much as was wanted and as grows in `forMs`, by ourselves. */
  ungranted(ask: LeaseAsk, forMs: number): void;
};

/** An account of a bucket of which nothing is known yet but its default rate: it is taken for full. */
export function rateAccount(defaultPerSecond: number): RateAccount {
  let perSecond = defaultPerSecond;
  let balance = 0;
  let settling = 0;
  let spentSinceAsk = 0;
  /** What the store had besides our lease, and when it said so. */
  let left: { readonly tokens: number; readonly atMs: number } | undefined;
  const burst = () => perSecond * limits.rateBurstSeconds;

  return {
    perSecond: () => perSecond,
    burst,
    balance: () => balance,
    total: (nowMs) => {
      const stored = left === undefined ? burst() : left.tokens + perSecond * (nowMs - left.atMs) / 1000;
      // As the store does: never more than a full bucket, and no greater debt than one.
      return Math.max(-burst(), Math.min(burst(), stored + settling)) + balance;
    },
    // Half of what the store was known to have, so that a burst goes through; other processes may be spending it as well.
    hasCredit: () => balance > -Math.max(perSecond * limits.rateCreditSeconds, (left?.tokens ?? 0) / 2, 1),
    isDue: (nowMs) => left === undefined ? balance <= 0 : balance <= spentSinceAsk / 4 || nowMs - left.atMs >= limits.rateLeaseMaxMs,
    spend: (tokens) => {
      balance -= tokens;
      spentSinceAsk += tokens;
    },
    ask: () => {
      // Half as much again as the last lease lasted for, so that it lasts longer; never so much that other processes find nothing.
      const wanted = Math.min(Math.max(spentSinceAsk * 1.5, perSecond / 10, 1), perSecond * limits.rateLeaseSeconds);
      const asked = { balance, wanted };
      settling += balance;
      balance = 0;
      spentSinceAsk = 0;
      return asked;
    },
    granted: (ask, lease, askedMs) => {
      settling -= ask.balance;
      perSecond = lease.perSecond;
      balance += lease.granted;
      left = { tokens: lease.left, atMs: askedMs };
    },
    ungranted: (ask, forMs) => {
      settling -= ask.balance;
      balance += ask.wanted + perSecond * forMs / 1000;
      left = undefined;
    },
  };
}

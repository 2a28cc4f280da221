import { limits } from "./limits.ts";
import type { Lease, LeaseAsk } from "./rate-store.ts";

/** How a bucket stands: `perSecond` its rate, `remaining` whole tokens, `resetSeconds` until there are tokens again or, when there are, until it is full. */
export type BucketState = { readonly perSecond: number; readonly burst: number; readonly remaining: number; readonly resetSeconds: number };

/**
 * One process's part of a bucket that all processes share. Tokens are spent first and settled later: nobody waits for the store, and the debt that
 * builds up while an answer is under way is taken from the next lease. A bucket in debt closes until the debt is paid, unsettled spending included. What it
 * promised to whoever was refused it keeps, whatever the store may say in between. Times are of a clock that only goes forward.
 */
export type RateBucket = {
  /** False while the bucket pays off a debt. */
  isOpen(nowMs: number): boolean;
  spend(tokens: number, nowMs: number): void;
  /** True when it is time to ask for a lease. */
  needsLease(nowMs: number): boolean;
  /** What to ask; the balance is then settled, and spending goes on against the answer. */
  ask(nowMs: number): LeaseAsk;
  /** The store's answer, `lease`, to what was asked at `askedMs`. */
  granted(ask: LeaseAsk, lease: Lease, askedMs: number, nowMs: number): void;
  /** The store does not answer: go on at the known rate, by ourselves. */
  ungranted(ask: LeaseAsk, forMs: number): void;
  /** The seconds after which whoever is refused now is let in, unless others spend before him: 0 when nothing is owed. */
  promise(nowMs: number): number;
  state(nowMs: number): BucketState;
};

/** A bucket named `name` of which nothing is known yet but its default rate. */
export function rateBucket(name: string, tenantId: string | undefined, defaultPerSecond: number): RateBucket {
  let perSecond = defaultPerSecond;
  let balance = 0;
  let settling = 0;
  let spentSinceAsk = 0;
  /** What the store had besides our lease, and when it said so. */
  let left: { readonly tokens: number; readonly atMs: number } | undefined;
  let closedUntilMs = -Infinity;
  let promisedMs = Infinity;
  /** True when the store said that there is nothing: no use to ask it again before the bucket opens. */
  let isKnownEmpty = false;
  const burst = () => perSecond * limits.rateBurstSeconds;
  const total = (nowMs: number) => {
    const stored = left === undefined ? burst() : left.tokens + perSecond * (nowMs - left.atMs) / 1000;
    // As the store does: never more than a full bucket, and no greater debt than one.
    return Math.max(-burst(), Math.min(burst(), stored + settling)) + balance;
  };
  // Not before there is a little to spend: opening for a single token would close again at once.
  const pauseMs = limits.ratePauseSeconds * 1000;
  const paidAtMs = (nowMs: number) => nowMs + Math.max(0, pauseMs - total(nowMs) / perSecond * 1000);
  const isOpen = (nowMs: number) => nowMs >= Math.min(closedUntilMs, promisedMs);
  // Half of what the store was known to have, so that a burst goes through; other processes may be spending it as well.
  const hasCredit = () => balance > -Math.max(perSecond * limits.rateCreditSeconds, (left?.tokens ?? 0) / 2, 1);

  return {
    isOpen,
    spend: (tokens, nowMs) => {
      const wasOpen = isOpen(nowMs);
      balance -= tokens;
      spentSinceAsk += tokens;
      promisedMs = Infinity;
      if (!wasOpen || hasCredit()) return;
      closedUntilMs = Math.max(paidAtMs(nowMs), nowMs + pauseMs);
      isKnownEmpty = false;
    },
    needsLease: (nowMs) => (isOpen(nowMs) || !isKnownEmpty) && balance <= (left === undefined ? 0 : spentSinceAsk / 4),
    ask: (nowMs) => {
      // Half as much again as the last lease lasted for, so that it lasts longer; never so much that other processes find nothing.
      const wanted = Math.min(Math.max(spentSinceAsk * 1.5, perSecond / 10, 1), perSecond * limits.rateLeaseSeconds);
      const ask = { bucket: name, tenantId, perSecond: defaultPerSecond, balance, wanted };
      settling += balance;
      balance = 0;
      spentSinceAsk = 0;
      // What is being settled is no longer on credit, so there is some again, unless all is spent.
      if (!isKnownEmpty && total(nowMs) >= 1) closedUntilMs = -Infinity;
      return ask;
    },
    granted: (ask, lease, askedMs, nowMs) => {
      settling -= ask.balance;
      perSecond = lease.perSecond;
      balance += lease.granted;
      left = { tokens: lease.left, atMs: askedMs };
      isKnownEmpty = lease.granted < 1 && balance <= 0;
      closedUntilMs = isKnownEmpty || !hasCredit() ? paidAtMs(nowMs) : -Infinity;
    },
    ungranted: (ask, forMs) => {
      settling -= ask.balance;
      balance += ask.wanted + perSecond * forMs / 1000;
      left = undefined;
      if (hasCredit()) closedUntilMs = -Infinity;
    },
    promise: (nowMs) => {
      if (promisedMs <= nowMs) promisedMs = Infinity;
      const waitMs = Math.min(promisedMs, Math.max(closedUntilMs, paidAtMs(nowMs))) - nowMs;
      const seconds = Math.ceil(Math.max(0, waitMs) / 1000);
      promisedMs = Math.min(promisedMs, nowMs + seconds * 1000);
      return seconds;
    },
    state: (nowMs) => {
      const closedMs = closedUntilMs - nowMs;
      const remaining = closedMs > 0 && isKnownEmpty ? 0 : Math.max(0, Math.min(burst(), Math.floor(total(nowMs))));
      const resetSeconds = Math.ceil(closedMs > 0 && remaining === 0 ? closedMs / 1000 : (burst() - remaining) / perSecond);
      return { perSecond, burst: burst(), remaining, resetSeconds };
    },
  };
}

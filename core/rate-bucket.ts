import { limits } from "./limits.ts";
import { rateAccount } from "./rate-account.ts";
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

/** A bucket named `name` of which nothing is known yet but its default rate: an account of its tokens, and the gate before them. */
export function rateBucket(name: string, tenantId: string | undefined, defaultPerSecond: number): RateBucket {
  const account = rateAccount(defaultPerSecond);
  let closedUntilMs = -Infinity;
  let promisedMs = Infinity;
  /** True when the store said that there is nothing: no use to ask it again before the bucket opens. */
  let isKnownEmpty = false;
  // Not before there is a little to spend: opening for a single token would close again at once.
  const pauseMs = limits.ratePauseSeconds * 1000;
  const paidAtMs = (nowMs: number) => nowMs + Math.max(0, pauseMs - account.total(nowMs) / account.perSecond() * 1000);
  const isOpen = (nowMs: number) => nowMs >= Math.min(closedUntilMs, promisedMs);

  return {
    isOpen,
    spend: (tokens, nowMs) => {
      const wasOpen = isOpen(nowMs);
      account.spend(tokens);
      promisedMs = Infinity;
      if (!wasOpen || account.hasCredit()) return;
      closedUntilMs = Math.max(paidAtMs(nowMs), nowMs + pauseMs);
      isKnownEmpty = false;
    },
    needsLease: (nowMs) => (isOpen(nowMs) || !isKnownEmpty) && account.isDue(nowMs),
    ask: (nowMs) => {
      const ask = { bucket: name, tenantId, perSecond: defaultPerSecond, ...account.ask() };
      // What is being settled is no longer on credit, so there is some again, unless all is spent.
      if (!isKnownEmpty && account.total(nowMs) >= 1) closedUntilMs = -Infinity;
      return ask;
    },
    granted: (ask, lease, askedMs, nowMs) => {
      account.granted(ask, lease, askedMs);
      isKnownEmpty = lease.granted < 1 && account.balance() <= 0;
      closedUntilMs = isKnownEmpty || !account.hasCredit() ? paidAtMs(nowMs) : -Infinity;
    },
    ungranted: (ask, forMs) => {
      account.ungranted(ask, forMs);
      if (account.hasCredit()) closedUntilMs = -Infinity;
    },
    promise: (nowMs) => {
      if (promisedMs <= nowMs) promisedMs = Infinity;
      const waitMs = Math.min(promisedMs, Math.max(closedUntilMs, paidAtMs(nowMs))) - nowMs;
      const seconds = Math.ceil(Math.max(0, waitMs) / 1000);
      promisedMs = Math.min(promisedMs, nowMs + seconds * 1000);
      return seconds;
    },
    state: (nowMs) => {
      const burst = account.burst();
      const closedMs = closedUntilMs - nowMs;
      const remaining = closedMs > 0 && isKnownEmpty ? 0 : Math.max(0, Math.min(burst, Math.floor(account.total(nowMs))));
      const resetSeconds = Math.ceil(closedMs > 0 && remaining === 0 ? closedMs / 1000 : (burst - remaining) / account.perSecond());
      return { perSecond: account.perSecond(), burst, remaining, resetSeconds };
    },
  };
}

import { faultRecord } from "./fault-record.ts";
import { limits } from "./limits.ts";
import type { Log } from "./ports.ts";
import { type RateBucket, rateBucket } from "./rate-bucket.ts";
import type { Quotas, RateKind, RateStore } from "./rate-store.ts";

/** What a process knows of the buckets that it draws from, settled together and in the background. */
export type RateBuckets = {
  /** The bucket of a tenant or a caller, made when it is not known; `tenantId` is whose quotas apply. */
  of(kind: RateKind, whose: "tenant" | "caller", name: string, tenantId: string | undefined): RateBucket;
  /** Notes that these may be due: they are settled with the next question. */
  touched(touched: readonly RateBucket[], nowMs: number): void;
  /** Asks the store about those that are due, unless it was asked a moment ago. Nobody waits for the answer. */
  settleDue(nowMs: number): void;
  /** Asks the store about these at once. Logs `rates.not_settled` when it does not answer, and goes on at the known rates. */
  settle(asked: readonly RateBucket[]): Promise<void>;
};

export type RateBucketsParts = {
  readonly store: RateStore;
  readonly quotas: Quotas;
  readonly elapsedMs: () => number;
  readonly log: Log;
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
};

export function createRateBuckets(parts: RateBucketsParts): RateBuckets {
  const buckets = new Map<string, RateBucket>();
  const due = new Set<RateBucket>();
  let nextAskMs = -Infinity;
  let isAsking = false;

  const of: RateBuckets["of"] = (kind, whose, name, tenantId) => {
    const key = `${kind} ${whose} ${name}`;
    const known = buckets.get(key);
    if (known !== undefined) return known;
    // A Map lists its keys in the order they were set: the one that was met first makes room.
    const oldest = buckets.size < limits.rateBucketsMax ? undefined : buckets.keys().next().value;
    if (oldest !== undefined) buckets.delete(oldest);
    const made = rateBucket(key, tenantId, parts.quotas[kind][whose]);
    buckets.set(key, made);
    return made;
  };
  const settle: RateBuckets["settle"] = async (asked) => {
    const askedMs = parts.elapsedMs();
    const asks = asked.map((bucket) => bucket.ask(askedMs));
    try {
      const leases = await parts.store.lease(asks);
      for (const [index, bucket] of asked.entries()) {
        const [ask, lease] = [asks[index], leases[index]];
        if (ask === undefined || lease === undefined) throw new Error("settle buckets: the store left one out");
        bucket.granted(ask, lease, askedMs, parts.elapsedMs());
      }
      nextAskMs = parts.elapsedMs() + limits.rateAskMs;
    } catch (error) {
      for (const [index, ask] of asks.entries()) asked[index]?.ungranted(ask, limits.rateRetryMs);
      nextAskMs = parts.elapsedMs() + limits.rateRetryMs;
      parts.log({ level: "warn", event: "rates.not_settled", buckets: asked.length, ...faultRecord(error) });
    }
  };

  return {
    of,
    settle,
    touched: (touched, nowMs) => {
      for (const bucket of touched) if (bucket.needsLease(nowMs)) due.add(bucket);
    },
    settleDue: (nowMs) => {
      if (isAsking || due.size === 0 || nowMs < nextAskMs) return;
      isAsking = true;
      const asked = [...due].slice(0, limits.rateBucketsPerAsk);
      for (const bucket of asked) due.delete(bucket);
      const work = settle(asked).finally(() => isAsking = false);
      parts.waitUntil?.(work);
    },
  };
}

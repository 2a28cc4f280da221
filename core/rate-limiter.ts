import type { Caller } from "./caller.ts";
import { AuditError } from "./errors.ts";
import { faultRecord } from "./fault-record.ts";
import { limits } from "./limits.ts";
import type { Log } from "./ports.ts";
import { type BucketState, type RateBucket, rateBucket } from "./rate-bucket.ts";
import { onlyTenant } from "./rate-tokens.ts";
import type { Quotas, RateKind, RateStore } from "./rate-store.ts";

/** The buckets that one request draws from. */
export type RateTicket = {
  /** Throws `rate_limited` when the caller, or the one tenant it is about, has nothing left. Costs nothing but a look into memory. */
  admit(): void;
  /** Takes tokens for each tenant, and their sum from the caller. Throws `rate_limited`, and takes nothing, when every one of the tenants has nothing left. */
  take(tokens: ReadonlyMap<string, number>): void;
  /** Fields of the answer, refused or not; see `rateHeaders`. */
  headers(): Readonly<Record<string, string>>;
};

/** Quotas as they stand for a caller; `tenant` is absent when it is about several. */
export type RateStates = { readonly tenant: BucketState | undefined; readonly caller: BucketState | undefined };

export type RateLimiter = {
  /** A ticket of a request by `caller`; `tenantId` when it is about one tenant. */
  open(kind: RateKind, caller: Caller, tenantId: string | undefined): RateTicket;
  /** What the shared buckets say right now. Throws `unavailable`. */
  states(kind: RateKind, caller: Caller, tenantId: string | undefined): Promise<RateStates>;
  readonly quotas: Quotas;
};

export type RateLimiterParts = {
  readonly store: RateStore;
  readonly quotas: Quotas;
  readonly elapsedMs: () => number;
  readonly log: Log;
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
};

/**
 * Quotas per tenant and per caller, shared by all processes, that cost a request no question to the database: tokens are leased in advance, and one
 * question in the background settles all buckets that need it. When the database does not answer, each process goes on at the known rates.
 * A batch of several tenants is refused only when every one of them has nothing left: one must not stop the others behind the same server.
 */
export function createRateLimiter(parts: RateLimiterParts): RateLimiter {
  const buckets = new Map<string, RateBucket>();
  const due = new Set<RateBucket>();
  let nextAskMs = -Infinity;
  let isAsking = false;

  const bucketOf = (kind: RateKind, whose: "tenant" | "caller", name: string, tenantId: string | undefined): RateBucket => {
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
  const settle = async (asked: readonly RateBucket[]): Promise<void> => {
    const asks = asked.map((bucket) => bucket.ask());
    const askedMs = parts.elapsedMs();
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
  const ask = (nowMs: number): void => {
    if (isAsking || due.size === 0 || nowMs < nextAskMs) return;
    isAsking = true;
    const asked = [...due].slice(0, limits.rateBucketsPerAsk);
    for (const bucket of asked) due.delete(bucket);
    const work = settle(asked).finally(() => isAsking = false);
    parts.waitUntil?.(work);
  };
  const spend = (bucket: RateBucket, tokens: number, nowMs: number): void => {
    bucket.spend(tokens, nowMs);
    if (bucket.needsLease(nowMs)) due.add(bucket);
  };
  const bucketsOf = (kind: RateKind, caller: Caller, tenantId: string | undefined) => ({
    tenant: tenantId === undefined ? undefined : bucketOf(kind, "tenant", tenantId, tenantId),
    // The project's own servers speak for all tenants: their tenants have quotas, they themselves have none.
    // A caller of several tenants has the deployment's quota.
    caller: caller.kind === "secret" ? undefined : bucketOf(kind, "caller", caller.principal, onlyTenant(caller)),
  });

  return {
    quotas: parts.quotas,
    open: (kind, caller, tenantId) => {
      const own = bucketsOf(kind, caller, tenantId);
      const shown = { ...own };
      const headers = () => {
        const nowMs = parts.elapsedMs();
        return rateHeaders(kind, { tenant: shown.tenant?.state(nowMs), caller: shown.caller?.state(nowMs) });
      };
      const refuse = (closed: readonly RateBucket[], nowMs: number): never => {
        // Nobody spends from a bucket that is closed, so whoever is refused asks how it stands.
        for (const bucket of closed) if (bucket.needsLease(nowMs)) due.add(bucket);
        ask(nowMs);
        // The others may be about to close as well.
        const concerned = [own.tenant, own.caller, ...closed].filter((bucket) => bucket !== undefined);
        const retryAfterSeconds = Math.max(1, ...concerned.map((bucket) => bucket.promise(nowMs)));
        throw new AuditError("rate_limited", `take request: the quota is used up; send it again in ${retryAfterSeconds} s`, {
          retryAfterSeconds,
          headers: headers(),
        });
      };
      return {
        admit: () => {
          const nowMs = parts.elapsedMs();
          const closed = [own.tenant, own.caller].filter((bucket) => bucket !== undefined && !bucket.isOpen(nowMs)) as readonly RateBucket[];
          if (closed.length > 0) refuse(closed, nowMs);
        },
        take: (tokens) => {
          const nowMs = parts.elapsedMs();
          let sum = 0;
          const taken = Array.from(tokens, ([id, count]) => {
            sum += count;
            return { bucket: id === tenantId && own.tenant !== undefined ? own.tenant : bucketOf(kind, "tenant", id, id), count };
          });
          const [first] = taken;
          if (first !== undefined && taken.length === 1) shown.tenant = first.bucket;
          if (first !== undefined && taken.every(({ bucket }) => !bucket.isOpen(nowMs))) refuse([first.bucket], nowMs);
          for (const { bucket, count } of taken) spend(bucket, count, nowMs);
          if (own.caller !== undefined) spend(own.caller, sum, nowMs);
          ask(nowMs);
        },
        headers,
      };
    },
    states: async (kind, caller, tenantId) => {
      const asked = Object.values(bucketsOf(kind, caller, tenantId)).filter((bucket) => bucket !== undefined);
      await settle(asked);
      const { tenant, caller: own } = bucketsOf(kind, caller, tenantId);
      return { tenant: tenant?.state(parts.elapsedMs()), caller: own?.state(parts.elapsedMs()) };
    },
  };
}

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-09 has them: `q` tokens within any window of `w` seconds; `r` are left, and
 * `t` seconds from now there will be more, or all of them. Events are no unit that the draft knows, so `qu` names them.
 */
function rateHeaders(kind: RateKind, states: RateStates): Readonly<Record<string, string>> {
  const shown = Object.entries(states).filter((entry): entry is [string, BucketState] => entry[1] !== undefined);
  if (shown.length === 0) return {};
  const unit = kind === "ingest" ? ';qu="events"' : "";
  return {
    "ratelimit-policy": shown.map(([whose, { burst }]) => `"${whose}";q=${burst};w=${limits.rateBurstSeconds}${unit}`).join(", "),
    ratelimit: shown.map(([whose, { remaining, resetSeconds }]) => `"${whose}";r=${remaining};t=${resetSeconds}`).join(", "),
  };
}

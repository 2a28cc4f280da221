import type { Caller } from "./caller.ts";
import { AuditError } from "./errors.ts";
import { limits } from "./limits.ts";
import type { BucketState, RateBucket } from "./rate-bucket.ts";
import { createRateBuckets, type RateBuckets, type RateBucketsParts } from "./rate-buckets.ts";
import { onlyTenant } from "./rate-tokens.ts";
import type { Quotas, RateKind } from "./rate-store.ts";

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

/**
 * Quotas per tenant and per caller, shared by all processes, that cost a request no question to the database: tokens are leased in advance, and one
 * question in the background settles all buckets that need it. When the database does not answer, each process goes on at the known rates.
 * A batch of several tenants is refused only when every one of them has nothing left: one must not stop the others behind the same server.
 */
export function createRateLimiter(parts: RateBucketsParts): RateLimiter {
  const buckets = createRateBuckets(parts);
  return {
    quotas: parts.quotas,
    open: (kind, caller, tenantId) => openTicket(buckets, parts.elapsedMs, { kind, tenantId, own: ownBuckets(buckets, kind, caller, tenantId) }),
    states: async (kind, caller, tenantId) => {
      const own = ownBuckets(buckets, kind, caller, tenantId);
      await buckets.settle(Object.values(own).filter((bucket) => bucket !== undefined));
      return statesOf(own, parts.elapsedMs());
    },
  };
}

type OwnBuckets = { tenant: RateBucket | undefined; readonly caller: RateBucket | undefined };

function ownBuckets(buckets: RateBuckets, kind: RateKind, caller: Caller, tenantId: string | undefined): OwnBuckets {
  return {
    tenant: tenantId === undefined ? undefined : buckets.of(kind, "tenant", tenantId, tenantId),
    // The project's own servers speak for all tenants: their tenants have quotas, they themselves have none.
    // A caller of several tenants has the deployment's quota.
    caller: caller.kind === "secret" ? undefined : buckets.of(kind, "caller", caller.principal, onlyTenant(caller)),
  };
}

function statesOf({ tenant, caller }: OwnBuckets, nowMs: number): RateStates {
  return { tenant: tenant?.state(nowMs), caller: caller?.state(nowMs) };
}

type TicketParts = { readonly kind: RateKind; readonly tenantId: string | undefined; readonly own: OwnBuckets };

function openTicket(buckets: RateBuckets, elapsedMs: () => number, { kind, tenantId, own }: TicketParts): RateTicket {
  const shown = { ...own };
  const headers = () => rateHeaders(kind, statesOf(shown, elapsedMs()));
  const refuse = (closed: readonly RateBucket[], nowMs: number): never => {
    // Nobody spends from a bucket that is closed, so whoever is refused asks how it stands.
    buckets.touched(closed, nowMs);
    buckets.settleDue(nowMs);
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
      const nowMs = elapsedMs();
      const closed = [own.tenant, own.caller].filter((bucket) => bucket !== undefined).filter((bucket) => !bucket.isOpen(nowMs));
      if (closed.length > 0) refuse(closed, nowMs);
    },
    take: (tokens) => {
      const nowMs = elapsedMs();
      let sum = 0;
      const taken = Array.from(tokens, ([id, count]) => {
        sum += count;
        return { bucket: id === tenantId && own.tenant !== undefined ? own.tenant : buckets.of(kind, "tenant", id, id), count };
      });
      const [first] = taken;
      if (first !== undefined && taken.length === 1) shown.tenant = first.bucket;
      if (first !== undefined && taken.every(({ bucket }) => !bucket.isOpen(nowMs))) refuse([first.bucket], nowMs);
      if (own.caller !== undefined) taken.push({ bucket: own.caller, count: sum });
      for (const { bucket, count } of taken) bucket.spend(count, nowMs);
      buckets.touched(taken.map(({ bucket }) => bucket), nowMs);
      buckets.settleDue(nowMs);
    },
    headers,
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

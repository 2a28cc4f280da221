import type { Claims } from "./caller.ts";
import type { EventRow } from "./ports.ts";

/** What a hold covers: events of which all that is named is so. Nothing named covers all of the tenant. Both times belong to it. */
export type HoldScope = {
  readonly objectType: string | undefined;
  readonly objectId: string | undefined;
  readonly actorId: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
};

export type Release = { readonly by: string; readonly at: string; readonly reason: string };

/** A legal hold, as auditors of its tenant see it; `release` when it holds no more. */
export type Hold = HoldScope & {
  readonly id: string;
  readonly tenantId: string;
  readonly reason: string;
  readonly placedBy: string;
  readonly placedAt: string;
  readonly release: Release | undefined;
};

export type NewHold = Omit<Hold, "placedAt" | "release">;

/** A hold with the archived days that it keeps whole: a hold on an object keeps every day it may be in. */
export type HoldReach = { readonly hold: Hold; readonly archivedDays: number };

/**
 * Holds in the hands of a tenant's admins; auditors read them. What changes is recorded by `record`, the event that tells of it, together or not at
 * all. Every method throws `unavailable` when the store cannot be reached.
 */
export type HoldAdmin = {
  /** Newest first; `after` is the id of the last hold of the page before. Throws `invalid_cursor` when the tenant has no such hold. */
  list(claims: Claims, tenantId: string, options: HoldListOptions): Promise<readonly HoldReach[]>;
  find(claims: Claims, tenantId: string, id: string): Promise<HoldReach | undefined>;
  /** Throws `conflict` when archives that it would cover are being deleted at this moment: nothing is placed then. */
  place(claims: Claims, hold: NewHold, record: EventRow): Promise<HoldReach>;
  /** Releases a hold for good; one that was released before stays as it is and is not recorded again. Undefined when the tenant has no such hold. */
  release(claims: Claims, tenantId: string, id: string, release: Omit<Release, "at">, record: EventRow): Promise<HoldReach | undefined>;
};

export type HoldListOptions = { readonly limit: number; readonly after: string | undefined; readonly isActive: boolean | undefined };

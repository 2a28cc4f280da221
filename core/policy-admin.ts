import type { Claims } from "./caller.ts";
import type { EventRow } from "./ports.ts";

/** How long a tenant's events are kept: `years` is undefined where it was left to the deployment. */
export type Policy = { readonly years: number | undefined; readonly changedBy: string; readonly changedAt: string };

export type PolicyChange = {
  readonly tenantId: string;
  /** Undefined: as long as the deployment says. */
  readonly years: number | undefined;
  readonly defaultYears: number;
  readonly changedBy: string;
  /** The event that tells of it, given how long it was before. */
  readonly record: (wasYears: number | undefined) => EventRow;
};

/** Retention policies: viewers read their tenant's, admins change it. The expiry of archives moves in the same transaction. */
export type PolicyAdmin = {
  /** Undefined where none was ever set. */
  find(claims: Claims, tenantId: string): Promise<Policy | undefined>;
  set(claims: Claims, change: PolicyChange): Promise<Policy>;
};

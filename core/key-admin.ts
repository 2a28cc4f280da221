import type { Claims, Scope } from "./caller.ts";
import type { EventRow } from "./ports.ts";

/** Every scope, in the order in which they are shown. */
export const scopes = ["ingest", "read", "export", "admin"] as const satisfies readonly Scope[];

/** An API key as its tenant's admins see it. Its secret is nowhere. Times as events have them; `lastUsedAt` is true to a minute. */
export type KeyRecord = {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  readonly lastUsedAt: string | undefined;
  readonly revokedAt: string | undefined;
};

/** A key to be made: `hash` is the SHA-256 of its whole text. */
export type NewKey = Pick<KeyRecord, "id" | "tenantId" | "name" | "scopes" | "expiresAt"> & { readonly hash: Uint8Array };

/**
 * API keys in the hands of their tenants' admins: `claims` that are not an admin's of the tenant see none and change none. What changes is recorded
 * by `record`, the event that tells of it, together or not at all. Every method throws `unavailable` when the store cannot be reached.
 */
export type KeyAdmin = {
  /** Newest first; `after` is the id of the last key of the page before. Throws `invalid_cursor` when the tenant has no such key. */
  list(claims: Claims, tenantId: string, limit: number, after: string | undefined): Promise<readonly KeyRecord[]>;
  find(claims: Claims, tenantId: string, id: string): Promise<KeyRecord | undefined>;
  /** Throws `conflict` when the tenant has as many keys in use as it may. */
  create(claims: Claims, key: NewKey, record: EventRow): Promise<KeyRecord>;
  /** Revokes a key for good; one that was revoked before stays as it is and is not recorded again. Undefined when the tenant has no such key. */
  revoke(claims: Claims, tenantId: string, id: string, record: EventRow): Promise<KeyRecord | undefined>;
};

export const keyStatuses = ["active", "expired", "revoked"] as const;
export type KeyStatus = (typeof keyStatuses)[number];

/** Whether a key opens anything at `now`. */
export function keyStatus({ revokedAt, expiresAt }: Pick<KeyRecord, "revokedAt" | "expiresAt">, now: Date): KeyStatus {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime() ? "expired" : "active";
}

/** A key as the API and the operator's command answer it. */
export function keyBodyOf(key: KeyRecord, now: Date) {
  return {
    id: key.id,
    prefix: `aud_${key.id}_`,
    tenant_id: key.tenantId,
    name: key.name,
    scopes: [...key.scopes],
    status: keyStatus(key, now),
    created_at: key.createdAt,
    expires_at: key.expiresAt ?? null,
    last_used_at: key.lastUsedAt ?? null,
    revoked_at: key.revokedAt ?? null,
  };
}

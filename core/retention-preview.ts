import type { Claims } from "./caller.ts";

/** A tenant's events of one UTC day that have left the hot window and are in Postgres still; bytes as Postgres keeps them, roughly. */
export type DueDay = { readonly day: string; readonly rows: number; readonly bytes: number };

/** An archive whose time is over. */
export type DueArchive = DueDay & { readonly isHeld: boolean };

/** What the archiver would do with a tenant's events now, as far as the caller may see them. Throws `unavailable` when counting takes too long. */
export type RetentionPreview = {
  /** Days before `before`, oldest first, at most `limit`. */
  daysToArchive(claims: Claims, tenantId: string, before: string, limit: number): Promise<readonly DueDay[]>;
  archivesToDelete(claims: Claims, tenantId: string, limit: number): Promise<readonly DueArchive[]>;
};

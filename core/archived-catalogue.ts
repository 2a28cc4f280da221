import type { Claims } from "./caller.ts";

/** An archived day of a tenant, as its catalogue row says. Times as events have them; hashes are 32 bytes. */
export type Archive = {
  readonly tenantId: string;
  readonly day: string;
  readonly state: "archived" | "restored" | "expiring" | "deleted";
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly firstLogIndex: number;
  readonly lastLogIndex: number;
  readonly checkpointSize: number;
  readonly checkpointRoot: Uint8Array;
  readonly manifestKey: string;
  readonly manifestSha256: Uint8Array;
  readonly archivedAt: string;
  readonly expiresAt: string;
  readonly deletedAt: string | undefined;
  readonly isHeld: boolean;
};

/** Days, both included, `YYYY-MM-DD`; the page after `before` goes on with older ones. */
export type ArchiveListOptions = {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly before: string | undefined;
  readonly limit: number;
};

/** What has left Postgres, as far as the caller may see it. Throws `unavailable`. */
export type ArchiveCatalogue = {
  /** Newest day first. */
  list(claims: Claims, tenantId: string, options: ArchiveListOptions): Promise<readonly Archive[]>;
};

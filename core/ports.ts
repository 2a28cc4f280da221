import type { AuditEvent } from "./event.ts";

/** An event ready to insert: `contextJson` is the canonical JSON that was hashed, `leafHash` 64 hexadecimal digits in lower case. */
export type EventRow = { readonly event: AuditEvent; readonly contextJson: string | undefined; readonly leafHash: string };

/** A row that stood there before: what is needed to rebuild a candidate's leaf with the stored server-set fields. */
export type ExistingRow =
  & Pick<AuditEvent, "tenant_id" | "occurred_at" | "id" | "received_at" | "principal" | "ip_address" | "user_agent" | "device_fingerprint">
  & { readonly leafHash: string };

/**
 * What an insert left undone. `existing` holds the rows of the batch that were there already; `closedDays` the UTC days (`YYYY-MM-DD`) that take no
 * more events: rows of these days were not inserted, all others were.
 */
export type InsertOutcome = { readonly existing: readonly ExistingRow[]; readonly closedDays: readonly string[] };

/** A claim on an Idempotency-Key: both hashes are SHA-256. */
export type BatchClaim = { readonly principal: string; readonly keyHash: Uint8Array; readonly bodyHash: Uint8Array; readonly receivedAt: string };

/** The claim as it stands: `first` if it was new; else `receivedAt` is the first request's. `sameBody` false → the key was used for another body. */
export type ClaimOutcome = { readonly first: boolean; readonly sameBody: boolean; readonly receivedAt: string };

/**
 * Asked after the insert and before COMMIT, when a batch must be stored whole or not at all. False takes the rows of the call back; the claim of
 * `insertOnce` stays and is committed, so that the key answers the same way again. The outcome is reported either way.
 */
export type Confirm = (outcome: InsertOutcome) => boolean;

/**
 * Where events go. Every promise that resolves has committed durably (`synchronous_commit = on`); a rejection means that nothing of the call
 * was stored, or, when the connection broke during COMMIT, that the caller cannot know and must retry with the same ids.
 * Throws `unavailable` when the database cannot be reached. The store itself retries after a deadlock, and when it met a partition in the making;
 * nothing else.
 */
export type EventStore = {
  /** Inserts `rows` in order, all or none; rows whose (tenant, occurred_at, id) exists are left as they are and reported. No two rows share a key. */
  insert(rows: readonly EventRow[], confirm?: Confirm): Promise<InsertOutcome>;
  /**
   * The same under an Idempotency-Key, in one transaction: `prepare` gets the claim and returns the rows (none is fine: the claim is kept), or throws
   * to undo the claim. A second call with the same key waits for the first one's transaction.
   */
  insertOnce(claim: BatchClaim, prepare: (claimed: ClaimOutcome) => Promise<readonly EventRow[]>, confirm?: Confirm): Promise<InsertOutcome>;
};

/** SHA-256, 32 bytes. Passed in because it must be synchronous: Web Crypto's costs 60 to 100 µs a call when awaited one by one, a native one 2. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** HMAC-SHA-256 under a secret that whoever made it knows, 32 bytes; synchronous for the same reason. */
export type Hmac = (bytes: Uint8Array) => Uint8Array;

/** The same as `Sha256`, and `hex`: of a text's UTF-8 bytes, as 64 hexadecimal digits in lower case. That takes a third of the time, because no array is made for the result. */
export type TextSha256 = Sha256 & { readonly hex: (text: string) => string };

/** One structured line of the operator's log; never a body, a value a caller sent, or a secret. */
export type Log = (record: { readonly level: "info" | "warn" | "error"; readonly event: string; readonly [key: string]: unknown }) => void;

/** Where API keys are looked up, by the SHA-256 of the whole key. Throws `unavailable`. */
export type KeyStore = {
  /** Notes that a key was used; the store keeps one time a minute. */
  touch(id: string, usedAt: Date): Promise<void>;
  find(keyHash: Uint8Array): Promise<
    | { readonly id: string; readonly tenantId: string; readonly scopes: readonly string[]; readonly expiresAt: string | undefined; readonly revoked: boolean }
    | undefined
  >;
};

/**
 * Object storage for archives and checkpoint bundles. Keys are `/`-separated, relative, without `..`.
 * `put` resolves only when the object is durable, and never overwrites: an existing key resolves to "exists" and the object is unchanged.
 * `get` returns the object's bytes, or undefined when there is none; a fault of the store throws `unavailable`.
 */
export type ArchiveStore = {
  put(key: string, bytes: Uint8Array): Promise<"stored" | "exists">;
  get(key: string): Promise<Uint8Array | undefined>;
  /** Bytes `start` (included) to `end` (excluded) of an object; undefined when there is none. */
  getRange(key: string, start: number, end: number): Promise<Uint8Array | undefined>;
  /** Size in bytes, or undefined when there is none. */
  size(key: string): Promise<number | undefined>;
  /** Keys below `prefix`, in order, at most `limit`, after `after`. */
  list(prefix: string, options?: { readonly after?: string; readonly limit?: number }): Promise<readonly string[]>;
  /** Removes an object; removing what is not there is fine. For expiry, and for an object that turned out wrong and that no manifest names. */
  remove(key: string): Promise<void>;
};

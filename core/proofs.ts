import { AuditError } from "./errors.ts";
import { parseCheckpoint } from "./format/checkpoint.ts";
import { toBase64 } from "./format/base64.ts";
import { formatReceipt } from "./format/proof.ts";
import { parseNote } from "./format/signed-note.ts";
import { consistencyProofFromTiles, inclusionProofFromTiles, type Tile, type TileAt } from "./format/tiles.ts";
import { leafOf } from "./leaf.ts";
import type { Sha256 } from "./ports.ts";
import type { EventKey, StoredEvent } from "./query-store.ts";

/** A checkpoint as stored: the note is what counts, the rest is to choose by. */
export type StoredCheckpoint = { readonly size: number; readonly signedAt: string; readonly verifierKey: string; readonly note: string };

/** A key that has signed checkpoints here; `retiredAt` when another has succeeded it. */
export type SigningKey = { readonly verifierKey: string; readonly logOrigin: string; readonly since: string; readonly retiredAt: string | undefined };

/** What proofs are made from, as far as the caller may read it: what row-level security hides is not there. */
export type ProofStore = {
  /** The newest checkpoint of exactly `size` leaves, or of all when `size` is undefined. */
  checkpoint(tenantId: string, size?: number): Promise<StoredCheckpoint | undefined>;
  /** Checkpoints of fewer than `below` leaves, largest first, at most `limit`, and all that state the last of these sizes: two keys may have signed it. */
  checkpoints(tenantId: string, below: number | undefined, limit: number): Promise<readonly StoredCheckpoint[]>;
  /** Where the event's leaf stands; undefined when it is not sealed, not there, or hidden. */
  leafIndex(key: EventKey): Promise<number | undefined>;
  tiles(tenantId: string, wanted: readonly TileAt[]): Promise<readonly Tile[]>;
  keys(): Promise<readonly SigningKey[]>;
  /** Rotation statements, oldest first. */
  rotations(): Promise<readonly string[]>;
};

const encoder = new TextEncoder();

/**
 * The receipt of an event that was read, the text of a `.tlog-proof` file, up to the newest checkpoint. O(log n) tiles. Whoever is shown the event may
 * have it: it holds the whole leaf. Throws `conflict` with a time to retry while the event is not sealed.
 */
export async function receiptOf(store: ProofStore, sha256: Sha256, { event, logIndex }: Pick<StoredEvent, "event" | "logIndex">): Promise<string> {
  const key = { tenantId: event.tenant_id, occurredAt: event.occurred_at, id: event.id };
  const index = logIndex ?? await store.leafIndex(key);
  if (index === undefined) throw new AuditError("conflict", "prove event: event: is not sealed yet; ask again in a few seconds", { retryAfterSeconds: 10 });
  const checkpoint = await store.checkpoint(key.tenantId);
  if (checkpoint === undefined || checkpoint.size <= index) {
    throw new AuditError("conflict", "prove event: event: is not in a checkpoint yet; ask again in a few seconds", { retryAfterSeconds: 10 });
  }
  const path = await inclusionProofFromTiles(sha256, (wanted) => store.tiles(key.tenantId, wanted), index, checkpoint.size);
  return formatReceipt({ index, path, checkpoint: checkpoint.note, leaf: encoder.encode(leafOf(event)) });
}

/** A consistency proof between two sizes, each hash in Base 64, with the roots that the checkpoints of these sizes state, where there are such. */
export type ConsistencyAnswer = {
  readonly old_size: number;
  readonly new_size: number;
  readonly proof: readonly string[];
  readonly old_root?: string;
  readonly new_root?: string;
};

/** Proves that the tree of `oldSize` is a prefix of that of `newSize`; by default up to the newest checkpoint. Throws `invalid_parameter`, `not_found`. */
export async function consistencyOf(store: ProofStore, sha256: Sha256, tenantId: string, oldSize: number, newSize?: number): Promise<ConsistencyAnswer> {
  const newest = await store.checkpoint(tenantId);
  if (newest === undefined) throw new AuditError("not_found", "prove consistency: checkpoint: there is none");
  const to = newSize ?? newest.size;
  const leaves = newest.size;
  if (oldSize > leaves) {
    throw wrongSize("from", `the log has ${leaves} leaves; whoever holds a checkpoint of more has proof that it was cut: keep it, and run verify`);
  }
  if (to > leaves) throw wrongSize("to", `the log has ${leaves} leaves; ask again when a newer checkpoint is signed`);
  if (oldSize > to) throw wrongSize("from", "must not be larger than to; give the older size as from");
  const proof = await consistencyProofFromTiles(sha256, (wanted) => store.tiles(tenantId, wanted), oldSize, to);
  const rootOf = async (size: number, name: "old_root" | "new_root") => {
    const checkpoint = size === newest.size ? newest : await store.checkpoint(tenantId, size);
    return checkpoint === undefined ? {} : { [name]: toBase64(parseCheckpoint(parseNote(checkpoint.note).text).root) };
  };
  const roots = { ...await rootOf(oldSize, "old_root"), ...await rootOf(to, "new_root") };
  return { old_size: oldSize, new_size: to, proof: proof.map(toBase64), ...roots };
}

function wrongSize(parameter: "from" | "to", what: string): AuditError {
  return new AuditError("invalid_parameter", `prove consistency: ${parameter}: ${what}`, { pointer: parameter });
}

import type { OpenedManifest } from "./archive-manifest.ts";
import { joinWith, sameBytes, treeRange } from "./format/merkle.ts";
import type { Sha256 } from "./ports.ts";
import type { SealRow, SealStore } from "./seal-store.ts";
import { growTree } from "./seal-tree.ts";

/** What the seq of a restored event whose tile has moved is less than its place in the tree; a constant of `audit_log.restore_events()` and `find_leaves()` too. */
export const restoredSeqOffset = 2 ** 52;

/** A leaf that was restored, with its place; in order of place. */
export type RestoredLeaf = SealRow & { readonly logIndex: number };

/**
 * How far a tree was rebuilt, in leaves, or why it was not: the restored leaves reach none of the checkpoints, the database does not know the key that
 * signed the one they reach, or a sealer is at work.
 */
export type RestoredTree = number | "no_checkpoint" | "unknown_key" | "busy";

/**
 * Rebuilds a tenant's tree in a database that has none, from restored leaves, up to the largest of these checkpoints that they reach without a gap and whose
 * root they have. The checkpoint is kept as it was signed, with the key that signed it, so receipts are valid against those of old.
 */
export async function restoreTree(
  store: SealStore,
  sha256: Sha256,
  tenantId: string,
  leaves: readonly RestoredLeaf[],
  manifests: readonly OpenedManifest[],
  logOrigin: string,
): Promise<RestoredTree> {
  const gap = leaves.findIndex(({ logIndex }, at) => logIndex !== at);
  const complete = gap === -1 ? leaves.length : gap;
  const signed = manifests.filter(({ checkpoint }) => checkpoint.size <= complete).sort((a, b) => b.checkpoint.size - a.checkpoint.size);
  for (const { checkpoint, manifest } of signed) {
    const growth = growTree(treeRange(sha256), tenantId, leaves.slice(0, checkpoint.size), joinWith(sha256));
    if (!sameBytes(growth.root, checkpoint.root)) continue;
    // One that has retired since signed it in its time.
    if (await store.useKey(checkpoint.verifierKey, logOrigin) === "unknown") return "unknown_key";
    const grown = [{ ...growth, note: manifest.checkpoint, signedAt: checkpoint.signedAt }];
    const done = await store.turn(async (turn) => await turn.append(turn.sealedSeq, grown, checkpoint.verifierKey));
    return done === "busy" ? done : checkpoint.size;
  }
  return "no_checkpoint";
}

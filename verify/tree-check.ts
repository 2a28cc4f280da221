import { equalBytes } from "./bytes.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { growingTree, type Tree } from "./merkle.ts";
import type { Hash } from "./sha256.ts";

/** A checkpoint to be met, and where it comes from, for messages. */
export type ExpectedCheckpoint = Checkpoint & { readonly from: "log" | "elsewhere" };

export type RootMismatch = {
  readonly checkpoint: ExpectedCheckpoint;
  /** "too_small": the log ends before the checkpoint's size. */
  readonly fault: "other_root" | "too_small";
  /** Leaves up to here are as an earlier checkpoint signed them. */
  readonly soundUpTo: number;
  /** True when the events, hashed anew, do have the signed root: then the events are right and the stored tree is not. */
  readonly eventsAreSigned: boolean;
};

/**
 * Grows a tenant's tree leaf by leaf and compares its root with every checkpoint on the way. It grows two trees where it must: one over the hashes
 * that the stored tree claims, one over the hashes of the events as they are now. Whichever has the signed root is the true one.
 */
export function treeCheck(hash: Hash, checkpoints: readonly ExpectedCheckpoint[]) {
  const pending = [...checkpoints].sort((a, b) => a.size - b.size);
  const claimed = growingTree(hash);
  let actual: Tree | undefined;
  const mismatches: RootMismatch[] = [];
  let met = 0;
  let soundUpTo = 0;
  /** Per level ≥ 1, the hashes that its tiles should hold. */
  const upper: Uint8Array[][] = [];

  const compare = () => {
    let root: Uint8Array | undefined;
    for (let next = pending[0]; next !== undefined && next.size <= claimed.size; next = pending[0]) {
      pending.shift();
      root ??= claimed.root();
      if (equalBytes(root, next.root)) {
        met++;
        soundUpTo = next.size;
      } else {
        const eventsAreSigned = actual !== undefined && equalBytes(actual.root(), next.root);
        mismatches.push({ checkpoint: next, fault: "other_root", soundUpTo, eventsAreSigned });
      }
    }
  };
  compare();
  return {
    /** Adds the leaf hash that the stored tree has at the next place, and the one that its event has, where they differ or it is gone. */
    add(claim: Uint8Array, event?: Uint8Array): void {
      if (event !== undefined) actual ??= claimed.copy();
      claimed.add(claim, (height, _, node) => {
        if (height % 8 === 0) (upper[height / 8] ??= []).push(node);
      });
      actual?.add(event ?? claim);
      if (pending[0]?.size === claimed.size) compare();
    },
    finish() {
      for (const checkpoint of pending) mismatches.push({ checkpoint, fault: "too_small", soundUpTo, eventsAreSigned: false });
      return { size: claimed.size, root: claimed.root(), met, mismatches, upper };
    },
  };
}
export type TreeCheck = ReturnType<typeof treeCheck>;

import { equalBytes } from "./bytes.ts";
import type { Hash } from "./sha256.ts";

const pair = new Uint8Array(65).fill(1, 0, 1);

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1. */
export function joinHashes(hash: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left, 1);
  pair.set(right, 33);
  return hash(pair);
}

/** A tree that only grows: like counting in binary, each digit a perfect subtree. */
export type Tree = {
  readonly size: number;
  readonly root: () => Uint8Array;
  /** Adds a leaf hash; `complete` hears of each inner node that thereby became whole: its height, and its place among nodes of that height. */
  readonly add: (leaf: Uint8Array, complete?: (height: number, place: number, hash: Uint8Array) => void) => void;
  readonly copy: () => Tree;
};

export function growingTree(hash: Hash, subtrees: (Uint8Array | undefined)[] = [], size = 0): Tree {
  return {
    get size() {
      return size;
    },
    add(leaf, complete) {
      let carry = leaf;
      let place = size;
      let height = 0;
      for (let digit = subtrees[height]; digit !== undefined; digit = subtrees[height]) {
        carry = joinHashes(hash, digit, carry);
        subtrees[height] = undefined;
        height++;
        place = (place - 1) / 2;
        complete?.(height, place, carry);
      }
      subtrees[height] = carry;
      size++;
    },
    root() {
      let root: Uint8Array | undefined;
      for (const digit of subtrees) if (digit !== undefined) root = root === undefined ? digit : joinHashes(hash, digit, root);
      return root ?? hash(new Uint8Array(0));
    },
    copy: () => growingTree(hash, [...subtrees], size),
  };
}

/** The root that an audit path leads to, RFC 6962 section 2.1.1, or undefined when the path does not fit the place. */
export function rootOfPath(hash: Hash, leaf: Uint8Array, index: number, size: number, path: readonly Uint8Array[]): Uint8Array | undefined {
  if (!(index >= 0 && index < size && Number.isSafeInteger(index) && Number.isSafeInteger(size))) return undefined;
  // From the root down: which side the leaf is on at each split.
  const sides: ("left" | "right")[] = [];
  for (let start = 0, end = size; end - start > 1;) {
    let half = 1;
    while (half * 2 < end - start) half *= 2;
    const isLeft = index < start + half;
    sides.push(isLeft ? "left" : "right");
    if (isLeft) end = start + half;
    else start += half;
  }
  if (sides.length !== path.length || path.some((sibling) => sibling.length !== 32)) return undefined;
  return path.reduce((node, sibling, i) => sides.at(-1 - i) === "left" ? joinHashes(hash, node, sibling) : joinHashes(hash, sibling, node), leaf);
}

/**
 * True if `proof` shows the tree of `oldSize` to be a prefix of that of `newSize`, RFC 6962 section 2.1.2, by rebuilding both roots from the
 * subtrees of which the proof consists.
 */
export function isConsistent(
  hash: Hash,
  older: { readonly size: number; readonly root: Uint8Array },
  newer: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (older.size > newer.size || [older.root, newer.root, ...proof].some((node) => node.length !== 32)) return false;
  if (older.size === newer.size) return proof.length === 0 && equalBytes(older.root, newer.root);
  if (older.size === 0) return proof.length === 0 && equalBytes(older.root, hash(new Uint8Array(0)));
  const left = [...proof];
  /** Both roots of the leaves from `start` on: of those the old tree has, and of all up to `end`. */
  const rebuild = (start: number, end: number): { readonly old: Uint8Array; readonly all: Uint8Array } | undefined => {
    if (older.size === end) {
      // What the proof need not say: the whole old tree, which the verifier knows.
      const known = start === 0 ? older.root : left.shift();
      return known === undefined ? undefined : { old: known, all: known };
    }
    let half = 1;
    while (half * 2 < end - start) half *= 2;
    const middle = start + half;
    const inner = older.size <= middle ? rebuild(start, middle) : rebuild(middle, end);
    const outer = left.shift();
    if (inner === undefined || outer === undefined) return undefined;
    if (older.size <= middle) return { old: inner.old, all: joinHashes(hash, inner.all, outer) };
    return { old: joinHashes(hash, outer, inner.old), all: joinHashes(hash, outer, inner.all) };
  };
  const roots = rebuild(0, newer.size);
  return roots !== undefined && left.length === 0 && equalBytes(roots.old, older.root) && equalBytes(roots.all, newer.root);
}

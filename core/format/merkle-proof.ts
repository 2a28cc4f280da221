import type { Sha256 } from "../ports.ts";
import { emptyRoot, hashBytes, nodeHash, sameBytes, treeRoot } from "./merkle.ts";

/** The leaves `start` (included) to `end` (excluded), as in RFC 6962's `D[start:end]`. */
export type LeafSpan = { readonly start: number; readonly end: number };

/**
 * The subtrees whose hashes make the audit path of leaf `index` in a tree of `size`, from the leaf's sibling upwards, RFC 6962 section 2.1.1.
 * Naming them instead of hashing them lets one rule serve leaves in memory and tiles in a database.
 */
export function inclusionSpans(index: number, size: number): LeafSpan[] {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) {
    throw new RangeError(`prove inclusion: index in a tree of ${size}: ${index}`);
  }
  const spans: LeafSpan[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    spans.push(index < middle ? { start: middle, end } : { start, end: middle });
    if (index < middle) end = middle;
    else start = middle;
  }
  return spans.reverse();
}

/** The subtrees whose hashes prove that a tree of `oldSize` is a prefix of one of `newSize`, RFC 6962 section 2.1.2; none between equal sizes. */
export function consistencySpans(oldSize: number, newSize: number): LeafSpan[] {
  if (!(Number.isSafeInteger(oldSize) && Number.isSafeInteger(newSize) && oldSize >= 0 && oldSize <= newSize)) {
    throw new RangeError(`prove consistency: sizes: ${oldSize} > ${newSize}`);
  }
  if (oldSize === 0 || oldSize === newSize) return [];
  const spans: LeafSpan[] = [];
  let start = 0;
  let end = newSize;
  // The old tree's last subtree is known to the verifier only as long as nothing was left of it: SUBPROOF's flag.
  while (oldSize !== end) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      spans.push({ start: middle, end });
      end = middle;
    } else {
      spans.push({ start, end: middle });
      start = middle;
    }
  }
  if (start > 0) spans.push({ start, end });
  return spans.reverse();
}

/** The largest power of two smaller than `n`, n ≥ 2: where RFC 6962 section 2.1 splits a tree. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

/** The audit path of one leaf among `leaves`. */
export function inclusionProof(sha256: Sha256, leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  return inclusionSpans(index, leaves.length).map(({ start, end }) => treeRoot(sha256, leaves.slice(start, end)));
}

/** The proof that the first `oldSize` of `leaves` are a prefix of all of them. */
export function consistencyProof(sha256: Sha256, leaves: readonly Uint8Array[], oldSize: number): Uint8Array[] {
  return consistencySpans(oldSize, leaves.length).map(({ start, end }) => treeRoot(sha256, leaves.slice(start, end)));
}

/** True if `proof` shows that the leaf hash stands at `index` of the tree of `size` with this root (the check of RFC 9162 section 2.1.3.2). */
export function verifyInclusion(
  sha256: Sha256,
  at: { readonly leafHash: Uint8Array; readonly index: number; readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  const { index, size, root } = at;
  if (!areSizes(index, size) || index >= size || !areHashes([at.leafHash, root, ...proof])) return false;
  let hash = at.leafHash;
  let node = index;
  let last = size - 1;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sha256, sibling, hash);
      // A right child without a sibling of its height: climb to where the sibling of `proof` stands.
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(sha256, hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && sameBytes(hash, root);
}

/**
 * True if `proof` shows that the tree of `oldSize` with `oldRoot` is a prefix of that of `newSize` with `newRoot` (RFC 9162 section 2.1.4.2).
 * Everything is consistent with the empty tree, and equal sizes need equal roots; both have an empty proof.
 */
export function verifyConsistency(
  sha256: Sha256,
  sizes: { readonly oldSize: number; readonly oldRoot: Uint8Array; readonly newSize: number; readonly newRoot: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  const { oldSize, oldRoot, newSize, newRoot } = sizes;
  if (!areSizes(oldSize, newSize) || oldSize > newSize || !areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize === newSize) return proof.length === 0 && sameBytes(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0 && sameBytes(oldRoot, emptyRoot(sha256));
  let node = oldSize - 1;
  let last = newSize - 1;
  while (node % 2 === 1) [node, last] = [(node - 1) / 2, Math.floor(last / 2)];
  // A perfect old tree is its own first subtree: the proof leaves it out.
  const path = node === 0 ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let oldHash = first;
  let newHash = first;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(sha256, sibling, oldHash);
      newHash = nodeHash(sha256, sibling, newHash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      newHash = nodeHash(sha256, newHash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && sameBytes(oldHash, oldRoot) && sameBytes(newHash, newRoot);
}

function areSizes(...sizes: readonly number[]): boolean {
  return sizes.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === hashBytes);
}

import type { Sha256 } from "../ports.ts";

/** Bytes of a SHA-256 hash. */
export const hashBytes = 32;

/** SHA-256 of nothing: the tree hash of no leaves, RFC 6962 section 2.1. */
export function emptyRoot(sha256: Sha256): Uint8Array {
  return sha256(new Uint8Array(0));
}

/** The hash of one leaf, RFC 6962 section 2.1: the 0x00 in front keeps a leaf from passing for an inner node. */
export function leafHash(sha256: Sha256, leaf: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + leaf.length);
  input.set(leaf, 1);
  return sha256(input);
}

/** One buffer for every inner node: hashing is synchronous, so nobody else can be using it. */
const nodeInput = new Uint8Array(1 + 2 * hashBytes).fill(1, 0, 1);

/** The hash of an inner node, RFC 6962 section 2.1. */
export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return sha256(nodeInput);
}

/** The hashes of many inner nodes at once: `pairs` holds two hashes for each, end to end, and so does what it gives, with one. */
export type JoinPairs = (pairs: Uint8Array) => Uint8Array;

/** Joins pairs one by one. */
export function joinWith(sha256: Sha256): JoinPairs {
  return (pairs) => {
    const joined = new Uint8Array(pairs.length / 2);
    for (let at = 0; at < joined.length; at += hashBytes) {
      const middle = 2 * at + hashBytes;
      joined.set(nodeHash(sha256, pairs.subarray(2 * at, middle), pairs.subarray(middle, middle + hashBytes)), at);
    }
    return joined;
  };
}

/** The tree hash of `leaves`, RFC 6962 section 2.1; the empty tree hashes to SHA-256(""). O(n) time, O(log n) memory. */
export function treeRoot(sha256: Sha256, leaves: Iterable<Uint8Array>): Uint8Array {
  const range = treeRange(sha256);
  for (const leaf of leaves) range.append(leaf);
  return range.root();
}

/** Told of every inner node the moment it is complete: `height` ≥ 1, `index` counts nodes of that height from the left. */
export type NodeSink = (height: number, index: number, hash: Uint8Array) => void;

/**
 * The right edge of a growing tree: the roots of its perfect subtrees, largest first, as many as `size` has one-bits. All that is needed to
 * append and to know the root.
 */
export type TreeRange = {
  readonly size: () => number;
  readonly edge: () => readonly Uint8Array[];
  readonly append: (leaf: Uint8Array, sink?: NodeSink) => void;
  /** Appends many leaf hashes, end to end; `sink` is given the nodes of each height ≥ 1 that thereby became whole, in order and end to end. */
  readonly extend: (leaves: Uint8Array, join: JoinPairs, sink: (height: number, hashes: Uint8Array) => void) => void;
  readonly root: () => Uint8Array;
};

/** A range that holds `size` leaves with this `edge`; empty by default. The edge must have one hash for each one-bit of `size`. */
export function treeRange(sha256: Sha256, size = 0, edge: readonly Uint8Array[] = []): TreeRange {
  if (edge.length !== oneBits(size)) throw new RangeError(`open tree range: edge of ${size} leaves: ${edge.length} hashes`);
  let hashes = [...edge];
  let leaves = size;
  return {
    size: () => leaves,
    edge: () => hashes,
    append(leaf, sink) {
      let hash = leaf;
      let index = leaves;
      for (let height = 1; index % 2 === 1; height++) {
        hash = nodeHash(sha256, hashes.pop() as Uint8Array, hash);
        index = (index - 1) / 2;
        sink?.(height, index, hash);
      }
      hashes.push(hash);
      leaves++;
    },
    extend(more, join, sink) {
      const grown: Uint8Array[] = [];
      let level = more;
      for (let height = 0, start = leaves; level.length > 0 || start > 0; height++, start = Math.floor(start / 2)) {
        // A subtree of this height that stands alone so far gets its sibling from the right.
        if (start % 2 === 1) level = concatenated(hashes.pop() as Uint8Array, level);
        const paired = level.length - level.length % (2 * hashBytes);
        if (paired < level.length) grown.unshift(level.slice(paired));
        level = join(level.subarray(0, paired));
        if (level.length > 0) sink(height + 1, level);
      }
      hashes = grown;
      leaves += more.length / hashBytes;
    },
    root: () => foldEdge(sha256, hashes),
  };
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** The root over perfect subtrees of falling size, folded from the right as RFC 6962 section 2.1 splits them. */
export function foldEdge(sha256: Sha256, edge: readonly Uint8Array[]): Uint8Array {
  if (edge.length === 0) return emptyRoot(sha256);
  return edge.reduceRight((right, left) => nodeHash(sha256, left, right));
}

/** How many one-bits a size up to 2^53 has: 32-bit operators would cut it. */
function oneBits(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}

/** True if both hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

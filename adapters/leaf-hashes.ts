import type { HashLeaves } from "../core/archive-check.ts";
import { limits } from "../core/limits.ts";
import { sha256Lanes } from "./sha256-lanes.ts";

const hashBytes = 32;
const encoder = new TextEncoder();

/** Hashes leaves, SHA-256(0x00 ‖ leaf), four at a time. */
export const hashLeaves: HashLeaves = (leaves) => {
  const hashes = new Uint8Array(leaves.length * hashBytes);
  for (let first = 0; first < leaves.length; first += sha256Lanes.slots) {
    const batch = leaves.slice(first, first + sha256Lanes.slots);
    const tooLong = batch.flatMap((leaf, slot) => add(leaf, slot) ? [] : [slot]);
    hashes.set(sha256Lanes.digests(batch.length), first * hashBytes);
    for (const slot of tooLong) hashes.fill(0, (first + slot) * hashBytes, (first + slot + 1) * hashBytes);
  }
  return hashes;
};

/** False for a leaf that is too long to be one. */
function add(leaf: string, slot: number): boolean {
  const { bytes } = sha256Lanes;
  const start = sha256Lanes.next(1 + limits.leafBytesMax);
  bytes[start] = 0x00;
  const { read, written } = encoder.encodeInto(leaf, bytes.subarray(start + 1, start + 1 + limits.leafBytesMax));
  if (read < leaf.length) return false;
  sha256Lanes.add(1 + written, slot);
  return true;
}

import { openCheckpoint } from "./format/checkpoint.ts";
import { hashBytes, type JoinPairs, sameBytes, type TreeRange, treeRange } from "./format/merkle.ts";
import type { NoteVerifier } from "./format/signed-note.ts";
import { levelWidth, tileLevelsMax, tileWidth } from "./format/tiles.ts";
import type { Sha256 } from "./ports.ts";
import type { SealRow, StoredTree, TileAppend, TreeGrowth } from "./seal-store.ts";

/** A tree that may be appended to, with the time of its last checkpoint where it has one, or what is wrong with it. */
export type OpenedTree = { readonly range: TreeRange; readonly signedAt: Date | undefined } | { readonly problem: string };

/**
 * When to sign a tree: now, but never before it was signed last. A clock that was ahead and was put right would otherwise leave a larger tree that is older than a
 * smaller one, which is how a retired key's signature that was dated back looks.
 */
export function signingTime(now: Date, { signedAt }: { readonly signedAt: Date | undefined }): Date {
  return signedAt !== undefined && signedAt > now ? signedAt : now;
}

/**
 * Opens a stored tree after comparing it with its last checkpoint. A sealer that appended to whatever it finds would sign over a change and so
 * make it good; one that insists on its own last signature leaves it visible. `verifierOf` gives the key only if it is trusted.
 */
export async function openTree(
  stored: StoredTree,
  origin: string,
  sha256: Sha256,
  verifierOf: (verifierKey: string) => Promise<NoteVerifier | undefined>,
): Promise<OpenedTree> {
  const misfit = widthMisfit(stored);
  if (misfit !== undefined) return { problem: misfit };
  if (stored.size === 0) {
    return stored.checkpoint === undefined ? { range: treeRange(sha256), signedAt: undefined } : { problem: "a checkpoint stands without its tree" };
  }
  if (stored.checkpoint === undefined) return { problem: "the tree has no checkpoint" };
  const verifier = await verifierOf(stored.checkpoint.verifierKey);
  if (verifier === undefined) return { problem: "the last checkpoint is by a key that is not trusted" };
  let signed: Awaited<ReturnType<typeof openCheckpoint>>;
  let range: TreeRange;
  try {
    signed = await openCheckpoint(stored.checkpoint.note, verifier);
    range = treeRange(sha256, stored.size, stored.edge);
  } catch {
    return { problem: "the last checkpoint or the edge of the tree is not valid" };
  }
  if (signed.origin !== origin) return { problem: "the last checkpoint is of another log" };
  if (signed.size !== stored.size) return { problem: `the tree has ${stored.size} leaves, its last checkpoint ${signed.size}` };
  return sameBytes(signed.root, range.root()) ? { range, signedAt: signed.signedAt } : { problem: "the edge of the tree does not have the signed root" };
}

/** What does not fit between the size of a tree and the last tiles of its levels; nothing beyond them is read here, verification does that. */
function widthMisfit({ size, widths }: StoredTree): string | undefined {
  for (let level = 0; level < tileLevelsMax; level++) {
    const expected = levelWidth(size, level) % tileWidth;
    const found = widths[level] ?? 0;
    if (found !== expected) return `the last tile of level ${level} has ${found} hashes, not ${expected}`;
  }
  return undefined;
}

/** Appends `rows` to `range`, in their order: the grown tree and what its tiles get. The checkpoint is the caller's. */
export function growTree(range: TreeRange, tenantId: string, rows: readonly SealRow[], join: JoinPairs): Omit<TreeGrowth, "note" | "signedAt"> {
  const oldSize = range.size();
  const leaves = new Uint8Array(rows.length * hashBytes);
  for (let index = 0; index < rows.length; index++) leaves.set((rows[index] as SealRow).leafHash, index * hashBytes);
  const levels: Uint8Array[] = [leaves];
  range.extend(leaves, join, (height, hashes) => {
    if (height % 8 === 0) levels[height / 8] = hashes;
  });
  const tiles = levels.flatMap((hashes, level) => appendsOf(tenantId, level, levelWidth(oldSize, level), hashes, level === 0 ? rows : []));
  return { tenantId, oldSize, size: range.size(), edge: [...range.edge()], root: range.root(), tiles };
}

/** Cuts the new hashes of one level, which begin at place `start` of it, at the borders of tiles. */
function appendsOf(tenantId: string, level: number, start: number, hashes: Uint8Array, rows: readonly SealRow[]): TileAppend[] {
  const appends: TileAppend[] = [];
  const count = hashes.length / hashBytes;
  for (let done = 0; done < count;) {
    const offset = (start + done) % tileWidth;
    const end = Math.min(count, done + tileWidth - offset);
    const cut = hashes.subarray(done * hashBytes, end * hashBytes);
    appends.push({ tenantId, level, index: Math.floor((start + done) / tileWidth), offset, hashes: cut, rows: rows.slice(done, end) });
    done = end;
  }
  return appends;
}

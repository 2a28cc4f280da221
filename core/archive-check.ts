import { ArchiveFault } from "./archive-fault.ts";
import { type ArchiveFileName, type ArchiveRow, openArchiveFile } from "./archive-file.ts";
import { signedLeaves } from "./archive-leaves.ts";
import type { Checkpoint } from "./format/checkpoint.ts";
import { hashBytes, type JoinPairs, sameBytes } from "./format/merkle.ts";
import type { ReadTiles } from "./format/tiles.ts";
import { leafHashWithin, leafOf } from "./leaf.ts";
import type { Sha256 } from "./ports.ts";

/** What a file must be: which one, of how many events, with which bytes. */
export type ExpectedFile = ArchiveFileName & { readonly rows: number; readonly bytes: number; readonly sha256: Uint8Array };

/** What the events of a file are compared with: a tree whose root was signed, and its tiles, which need not be believed. */
export type SignedTree = { readonly checkpoint: Checkpoint; readonly readTiles: ReadTiles };

/** The hashes of many leaves, end to end; 32 zeros for a leaf that is longer than any that is stored. */
export type HashLeaves = (leaves: readonly string[]) => Uint8Array;

/** What hashes leaves and pairs of nodes many at once, where there is something; else they are hashed one by one. */
export type ManyHashes = { readonly hashLeaves?: HashLeaves | undefined; readonly joinPairs?: JoinPairs | undefined };

/** Hashes leaves one by one. */
export function hashWith(sha256: Sha256): HashLeaves {
  return (leaves) => {
    const hashes = new Uint8Array(leaves.length * hashBytes);
    for (const [index, leaf] of leaves.entries()) hashes.set(leafHashWithin(leaf, sha256) ?? [], index * hashBytes);
    return hashes;
  };
}

/** True when a store gave back the bytes that were made. */
export function hasBytes(sha256: Sha256, bytes: Uint8Array, expected: Pick<ExpectedFile, "bytes" | "sha256">): boolean {
  return bytes.length === expected.bytes && sameBytes(sha256(bytes), expected.sha256);
}

/**
 * Checks a file that was read back: its bytes, that it is the file it should be, and that each event, rebuilt from its typed columns, stands in the signed
 * tree at the place the file says. Throws ArchiveFault, which names an event that does not fit.
 */
export async function checkArchiveFile(
  sha256: Sha256,
  bytes: Uint8Array<ArrayBuffer>,
  expected: ExpectedFile,
  { checkpoint, readTiles }: SignedTree,
  { hashLeaves = hashWith(sha256), joinPairs }: ManyHashes = {},
): Promise<void> {
  if (!hasBytes(sha256, bytes, expected)) throw new ArchiveFault("check archive file: bytes: differ from those that were made");
  const file = await openArchiveFile(bytes);
  const { tenantId, day, part } = file.name;
  if (tenantId !== expected.tenantId || day !== expected.day || part !== expected.part || file.rows !== expected.rows) {
    throw new ArchiveFault("check archive file: metadata: is another file's");
  }
  // Of a group that was read its hashes stay, and nothing else: what a file holds in events is ten times as much.
  const groups: CheckedGroup[] = [];
  let before: ArchiveRow | undefined;
  for (const group of file.groups) {
    const rows = await file.readGroup(group);
    groups.push(checkGroup(rows, before, expected, hashLeaves));
    before = rows.at(-1) ?? before;
  }
  const places = groups.flatMap((group) => group.logIndexes);
  if (places.length !== expected.rows) throw new ArchiveFault(`check archive file: rows: has ${places.length} of ${expected.rows}`);
  const leafAt = await signedLeaves(sha256, readTiles, checkpoint, places, joinPairs);
  for (const group of groups) compareGroup(group, leafAt);
}

/** What stays of a group of events that fit together: where they stand, and the hashes of their rebuilt leaves. */
type CheckedGroup = { readonly logIndexes: readonly number[]; readonly hashes: Uint8Array };

/** Rebuilds each leaf from the columns of its row. `before` is the last row of the group before. */
function checkGroup(rows: readonly ArchiveRow[], before: ArchiveRow | undefined, expected: ExpectedFile, hashLeaves: HashLeaves): CheckedGroup {
  let last = before;
  const leaves = rows.map((row) => {
    const rebuilt = rebuiltLeaf(row);
    const fault = faultOf(row, last, expected) ?? (rebuilt === row.leaf ? undefined : "its columns do not give its leaf");
    if (fault !== undefined) throw faultAt(row.logIndex, fault);
    last = row;
    return rebuilt;
  });
  const hashes = hashLeaves(leaves);
  for (const [index, { leafHash, logIndex }] of rows.entries()) {
    if (!sameBytes(leafHash, hashAt(hashes, index))) throw faultAt(logIndex, "its leaf hash is another");
  }
  return { logIndexes: rows.map(({ logIndex }) => logIndex), hashes };
}

/** The text of a context that could be parsed is taken as it stands: were it not canonical, the leaf would be another. */
function rebuiltLeaf({ event, contextJson }: ArchiveRow): string {
  return leafOf(event, contextJson);
}

function faultOf({ event }: ArchiveRow, before: ArchiveRow | undefined, { tenantId, day }: ExpectedFile): string | undefined {
  if (event.tenant_id !== tenantId || !event.occurred_at.startsWith(day)) return "belongs elsewhere";
  return before === undefined || isAfter(event, before.event) ? undefined : "is out of order";
}

function isAfter(event: ArchiveRow["event"], before: ArchiveRow["event"]): boolean {
  return event.occurred_at === before.occurred_at ? event.id > before.id : event.occurred_at > before.occurred_at;
}

function compareGroup({ logIndexes, hashes }: CheckedGroup, leafAt: (index: number) => Uint8Array | undefined): void {
  for (const [index, logIndex] of logIndexes.entries()) {
    const signed = leafAt(logIndex);
    if (signed === undefined || !sameBytes(hashAt(hashes, index), signed)) throw faultAt(logIndex, "is not what was sealed");
  }
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * hashBytes, (index + 1) * hashBytes);
}

function faultAt(logIndex: number, fault: string): ArchiveFault {
  return new ArchiveFault(`check archive file: event at log index ${logIndex}: ${fault}`);
}

import { ArchiveFault } from "./archive-fault.ts";
import { type ArchiveFileName, type ArchiveRow, openArchiveFile } from "./archive-file.ts";
import { signedLeaves } from "./archive-leaves.ts";
import type { Checkpoint } from "./format/checkpoint.ts";
import { sameBytes } from "./format/merkle.ts";
import type { ReadTiles } from "./format/tiles.ts";
import { leafHashWithin, leafOf } from "./leaf.ts";
import type { Sha256 } from "./ports.ts";

/** What a file must be: which one, of how many events, with which bytes. */
export type ExpectedFile = ArchiveFileName & { readonly rows: number; readonly bytes: number; readonly sha256: Uint8Array };

/** What the events of a file are compared with: a tree whose root was signed, and its tiles, which need not be believed. */
export type SignedTree = { readonly checkpoint: Checkpoint; readonly readTiles: ReadTiles };

/** True when a store gave back the bytes that were made. */
export function hasBytes(sha256: Sha256, bytes: Uint8Array, expected: Pick<ExpectedFile, "bytes" | "sha256">): boolean {
  return bytes.length === expected.bytes && sameBytes(sha256(bytes), expected.sha256);
}

/**
 * Checks a file that was read back: its bytes, that it is the file it should be, and that each event, rebuilt from its typed columns, stands in the signed
 * tree at the place the file says. Returns its events. Throws ArchiveFault, which names the first event that does not fit.
 */
export async function checkArchiveFile(
  sha256: Sha256,
  bytes: Uint8Array<ArrayBuffer>,
  expected: ExpectedFile,
  { checkpoint, readTiles }: SignedTree,
): Promise<readonly ArchiveRow[]> {
  if (!hasBytes(sha256, bytes, expected)) throw new ArchiveFault("check archive file: bytes: differ from those that were made");
  const file = await openArchiveFile(bytes);
  const { tenantId, day, part } = file.name;
  if (tenantId !== expected.tenantId || day !== expected.day || part !== expected.part || file.rows !== expected.rows) {
    throw new ArchiveFault("check archive file: metadata: is another file's");
  }
  const rows: ArchiveRow[] = [];
  for (const group of file.groups) for (const row of await file.readGroup(group)) rows.push(row);
  if (rows.length !== expected.rows) throw new ArchiveFault(`check archive file: rows: has ${rows.length} of ${expected.rows}`);
  const leafAt = await signedLeaves(sha256, readTiles, checkpoint, rows.map((row) => row.logIndex));
  let before: ArchiveRow | undefined;
  for (const row of rows) {
    const fault = faultOf(sha256, row, before, expected, leafAt);
    if (fault !== undefined) throw new ArchiveFault(`check archive file: event at log index ${row.logIndex}: ${fault}`);
    before = row;
  }
  return rows;
}

function faultOf(
  sha256: Sha256,
  { event, leaf, leafHash, logIndex }: ArchiveRow,
  before: ArchiveRow | undefined,
  { tenantId, day }: ExpectedFile,
  leafAt: (index: number) => Uint8Array | undefined,
): string | undefined {
  if (event.tenant_id !== tenantId || !event.occurred_at.startsWith(day)) return "belongs elsewhere";
  if (before !== undefined && !isAfter(event, before.event)) return "is out of order";
  const rebuilt = leafOf(event);
  if (rebuilt !== leaf) return "its columns do not give its leaf";
  const hash = leafHashWithin(rebuilt, sha256);
  const signed = leafAt(logIndex);
  if (hash === undefined || signed === undefined || !sameBytes(hash, signed)) return "is not what was sealed";
  return sameBytes(leafHash, signed) ? undefined : "its leaf hash is another";
}

function isAfter(event: ArchiveRow["event"], before: ArchiveRow["event"]): boolean {
  return event.occurred_at === before.occurred_at ? event.id > before.id : event.occurred_at > before.occurred_at;
}

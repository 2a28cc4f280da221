import type { ArchiverDependencies } from "./archive.ts";
import type { ArchiveWork, BookedFile } from "./archive-books.ts";
import { checkArchiveFile, hasBytes } from "./archive-check.ts";
import { ArchiveFault } from "./archive-fault.ts";
import { createArchiveFile } from "./archive-file-writer.ts";
import { archiveFileKey, archiveManifestKey } from "./archive-key.ts";
import { type ArchiveManifest, type ManifestFile, openManifest, signManifest } from "./archive-manifest.ts";
import { withArchivedTiles } from "./archive-tiles.ts";
import { type Checkpoint, openCheckpoint, originOf } from "./format/checkpoint.ts";
import { toHex } from "./format/hex.ts";
import { trustedKeys } from "./trusted-keys.ts";

/** Opens the newest checkpoint of a tenant's log, if a key that is trusted signed it. */
export type ArchiverTrust = (tenantId: string) => Promise<{ readonly note: string; readonly checkpoint: Checkpoint }>;

/** Trusts the archiver's own key, and those that handed over to it. */
export function archiverTrust({ books, signer, logOrigin }: ArchiverDependencies): ArchiverTrust {
  const verifierOf = trustedKeys(signer, logOrigin, () => books.rotations());
  return async (tenantId) => {
    const stored = await books.checkpoint(tenantId);
    const verifier = stored && await verifierOf(stored.verifierKey);
    if (stored === undefined || verifier === undefined) throw new ArchiveFault("open checkpoint: there is none, or it is by a key that is not trusted");
    const checkpoint = await openCheckpoint(stored.note, verifier).catch((cause: unknown) => {
      throw new ArchiveFault("open checkpoint: signature: is not valid", { cause });
    });
    if (checkpoint.origin !== originOf(logOrigin, tenantId)) throw new ArchiveFault("open checkpoint: origin: is another log");
    return { note: stored.note, checkpoint };
  };
}

/**
 * Writes one file and uploads it. The name holds the hash of the bytes, so a second upload after a crash meets the first. What the store says is not
 * believed yet: the file is "written", and only reading it back makes it "checked".
 */
export async function writeFile({ books, archive, sha256 }: ArchiverDependencies, work: ArchiveWork): Promise<boolean> {
  const { tenantId, day } = work;
  const file = await fileOf({ books }, work);
  const writer = createArchiveFile({ tenantId, day, part: file.part });
  const logIndexes: number[] = [];
  await books.rows(tenantId, file, async (group) => {
    for (const { logIndex } of group) logIndexes.push(logIndex);
    await writer.writeGroup(group);
  });
  if (logIndexes.length !== file.rows) throw new ArchiveFault(`write archive file: events: ${logIndexes.length} are there, ${file.rows} were counted`);
  const bytes = await writer.finish();
  const hash = sha256(bytes);
  const key = archiveFileKey(tenantId, day, file.part, file.generation, hash);
  await archive.put(key, bytes);
  // A crash here leaves an object that the next try finds under the same name.
  const { least, greatest } = rangeOf(logIndexes);
  return await books.recordFile(work, { key, sha256: hash, bytes: bytes.length, firstLogIndex: least, lastLogIndex: greatest });
}

/** Downloads one file again and compares each event with the signed tree. */
export async function checkFile(dependencies: ArchiverDependencies, trust: ArchiverTrust, work: ArchiveWork): Promise<boolean> {
  const { books, archive, sha256 } = dependencies;
  const { tenantId, day } = work;
  const { part, rows, written } = await fileOf({ books }, work);
  if (written === undefined) throw new Error("check archive file: it was not written");
  const bytes = await archive.get(written.key);
  if (bytes === undefined) throw new ArchiveFault("check archive file: object: is not there");
  const { checkpoint } = await trust(tenantId);
  await checkArchiveFile(sha256, inOneBuffer(bytes), { tenantId, day, part, rows, bytes: written.bytes, sha256: written.sha256 }, {
    checkpoint,
    // Of a day that was restored they have moved.
    readTiles: withArchivedTiles(books.tilesOf(tenantId), archive, tenantId),
  }, dependencies);
  return await books.recordCheck(work);
}

/** Signs the manifest of an archive whose files are all checked, uploads it, and opens what the store gives back as any reader would. */
export async function signArchive(dependencies: ArchiverDependencies, trust: ArchiverTrust, work: ArchiveWork): Promise<boolean> {
  const { books, archive, signer, logOrigin, sha256, now } = dependencies;
  const { tenantId, day } = work;
  const { note, checkpoint } = await trust(tenantId);
  const signedAt = now();
  const manifest = manifestOf(tenantId, day, await books.files(tenantId, day), note, signedAt);
  const bytes = await signManifest(manifest, logOrigin, signer, signedAt);
  const hash = sha256(bytes);
  const key = archiveManifestKey(tenantId, day, hash);
  await archive.put(key, bytes);
  const back = await archive.get(key);
  if (back === undefined || !hasBytes(sha256, back, { bytes: bytes.length, sha256: hash })) {
    throw new ArchiveFault("check manifest: object: differs from the one that was made");
  }
  await openManifest(back, { logOrigin, tenantId, day, verifiers: [signer] });
  return await books.recordManifest(work, { key, sha256: hash, checkpointSize: checkpoint.size, checkpointRoot: checkpoint.root });
}

async function fileOf({ books }: Pick<ArchiverDependencies, "books">, { tenantId, day, part }: ArchiveWork): Promise<BookedFile> {
  const [file] = await books.files(tenantId, day, part);
  if (file === undefined) throw new Error("archive file: it is not in the books");
  return file;
}

function manifestOf(tenantId: string, day: string, files: readonly BookedFile[], checkpoint: string, at: Date): ArchiveManifest {
  const listed = files.map((file): ManifestFile => {
    if (file.written === undefined) throw new Error("sign manifest: a file was not written");
    return {
      key: file.written.key,
      sha256: toHex(file.written.sha256),
      bytes: file.written.bytes,
      rows: file.rows,
      first_occurred_at: file.from.occurredAt,
      last_occurred_at: file.to.occurredAt,
      first_log_index: file.written.firstLogIndex,
      last_log_index: file.written.lastLogIndex,
    };
  });
  const sum = (valueOf: (file: ManifestFile) => number) => listed.reduce((total, file) => total + valueOf(file), 0);
  return {
    v: 1,
    tenant_id: tenantId,
    date: day,
    created_at: at.toISOString(),
    rows: sum((file) => file.rows),
    bytes: sum((file) => file.bytes),
    first_log_index: rangeOf(listed.map((file) => file.first_log_index)).least,
    last_log_index: rangeOf(listed.map((file) => file.last_log_index)).greatest,
    checkpoint,
    files: listed,
  };
}

function rangeOf(numbers: readonly number[]): { readonly least: number; readonly greatest: number } {
  return numbers.reduce(({ least, greatest }, number) => ({ least: Math.min(least, number), greatest: Math.max(greatest, number) }), {
    least: Infinity,
    greatest: -Infinity,
  });
}

/** The bytes in a buffer that JavaScript's own: a Parquet reader takes no shared one. */
function inOneBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? bytes as Uint8Array<ArrayBuffer> : bytes.slice();
}

import { hasBytes } from "./archive-check.ts";
import { ArchiveFault } from "./archive-fault.ts";
import { type ArchiveRow, openArchiveFile } from "./archive-file.ts";
import { archiveManifestPrefix } from "./archive-key.ts";
import { type ManifestFile, type OpenedManifest, openManifest } from "./archive-manifest.ts";
import { isHex } from "./format/hex.ts";
import { sameBytes } from "./format/merkle.ts";
import type { NoteVerifier } from "./format/signed-note.ts";
import { leafHashWithin, leafOf } from "./leaf.ts";
import type { ArchiveStore, Sha256 } from "./ports.ts";

/** A manifest as it was found, with its key and its hash. */
export type FoundManifest = OpenedManifest & { readonly key: string; readonly sha256: Uint8Array };

/** Why an archive was not restored: it is in Postgres still or again, is being deleted, or the catalogue means another manifest. */
export type RestoreOutcome = "restored" | "open" | "ready" | "expiring" | "deleted" | "other";

/** Where events are restored to. One call is one transaction: all events of the archive are there, and the catalogue says so, or nothing is. */
export type RestoreTarget = {
  restore(found: FoundManifest, groups: AsyncIterable<readonly ArchiveRow[]>): Promise<RestoreOutcome>;
};

export type RestoreDependencies = {
  readonly archive: ArchiveStore;
  readonly target: RestoreTarget;
  readonly logOrigin: string;
  readonly verifiers: readonly NoteVerifier[];
  readonly sha256: Sha256;
};

/** The manifest under `key`, opened; throws ArchiveFault when it is not there or not to be believed, or does not have the hash that was wanted. */
export async function readManifest(
  { archive, logOrigin, verifiers, sha256 }: Omit<RestoreDependencies, "target">,
  of: { readonly tenantId: string; readonly day: string; readonly key: string; readonly sha256?: Uint8Array | undefined },
): Promise<FoundManifest> {
  const bytes = await archive.get(of.key);
  if (bytes === undefined) throw new ArchiveFault(`read manifest of ${of.day}: it is not there`);
  const hash = sha256(bytes);
  if (of.sha256 !== undefined && !sameBytes(hash, of.sha256)) throw new ArchiveFault(`read manifest of ${of.day}: it is not the one that the catalogue means`);
  return { ...await openManifest(bytes, { logOrigin, tenantId: of.tenantId, day: of.day, verifiers }), key: of.key, sha256: hash };
}

/** The newest manifest in an archive's folder that may be believed: for a database whose catalogue is gone. Undefined when there is none. */
export async function findManifest(dependencies: Omit<RestoreDependencies, "target">, tenantId: string, day: string): Promise<FoundManifest | undefined> {
  let newest: FoundManifest | undefined;
  // By their prefix: a folder may hold more files than one listing gives.
  for (const key of await dependencies.archive.list(archiveManifestPrefix(tenantId, day))) {
    const found = await readManifest(dependencies, { tenantId, day, key }).catch((error: unknown) => {
      if (error instanceof ArchiveFault) return undefined;
      throw error;
    });
    if (found !== undefined && (newest === undefined || found.signedAt > newest.signedAt)) newest = found;
  }
  return newest;
}

/** Restores one archive. Each file must have the bytes that the signed manifest names, and each event must still give its leaf. */
export async function restoreArchive(dependencies: RestoreDependencies, found: FoundManifest): Promise<RestoreOutcome> {
  return await dependencies.target.restore(found, groupsOf(dependencies, found));
}

async function* groupsOf({ archive, sha256 }: RestoreDependencies, { manifest }: FoundManifest): AsyncGenerator<readonly ArchiveRow[]> {
  for (const file of manifest.files) yield* fileGroups(archive, sha256, file);
}

async function* fileGroups(archive: ArchiveStore, sha256: Sha256, file: ManifestFile): AsyncGenerator<readonly ArchiveRow[]> {
  const bytes = await archive.get(file.key);
  if (bytes === undefined) throw new ArchiveFault(`read archive file ${file.key}: it is not there`);
  const hash = sha256(bytes);
  if (!isHex(hash, file.sha256) || !hasBytes(sha256, bytes, { bytes: file.bytes, sha256: hash })) {
    throw new ArchiveFault(`read archive file ${file.key}: bytes: are not those of the manifest`);
  }
  const opened = await openArchiveFile(bytes.slice());
  for (const group of opened.groups) {
    const rows = await opened.readGroup(group);
    for (const row of rows) {
      const rebuilt = leafHashWithin(leafOf(row.event), sha256);
      if (rebuilt === undefined || !sameBytes(rebuilt, row.leafHash)) throw new ArchiveFault(`read archive file ${file.key}: an event does not give its leaf`);
    }
    yield rows;
  }
}

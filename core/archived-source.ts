import { ArchiveFault } from "./archive-fault.ts";
import { type ArchiveFile, type ArchiveGroup, type ArchiveRow, openArchiveFile } from "./archive-file.ts";
import { type ManifestFile, openManifest } from "./archive-manifest.ts";
import { AuditError } from "./errors.ts";
import { toHex } from "./format/hex.ts";
import { type NoteVerifier, parseVerifierKey } from "./format/signed-note.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import { limits } from "./limits.ts";
import type { ArchiveStore, Sha256 } from "./ports.ts";

/** An archived day, from a catalogue row that the caller may see: no other place names objects to read. */
export type ArchivedDay = { readonly tenantId: string; readonly day: string; readonly manifestKey: string; readonly manifestSha256: Uint8Array };

/** Keys that have signed here, and for which log. */
export type ArchiveKey = { readonly verifierKey: string; readonly logOrigin: string };

/** A file of an archive that was opened. `groupBytes` is about what a group takes to fetch; nothing when it is at hand. */
export type OpenedArchiveFile = {
  readonly groups: readonly ArchiveGroup[];
  groupBytes(group: ArchiveGroup): number;
  readGroup(group: ArchiveGroup): Promise<readonly ArchiveRow[]>;
};

/**
 * Events in object storage. What it hands out was checked as far as it was read: the manifest against the catalogue's SHA-256, its signature, tenant and
 * day; small files whole by their SHA-256, of larger ones each row that is used by its leaf hash, and every row by tenant, day and order. What does
 * not agree throws `archive_fault`, what cannot be had `unavailable`.
 */
export type ArchiveSource = {
  files(day: ArchivedDay, keys: readonly ArchiveKey[]): Promise<readonly ManifestFile[]>;
  open(day: ArchivedDay, file: ManifestFile): Promise<OpenedArchiveFile>;
  /** Throws unless the row's leaf is what its columns and its hash say. */
  check(day: ArchivedDay, row: ArchiveRow): void;
};

export function createArchiveSource({ store, sha256 }: { readonly store: ArchiveStore; readonly sha256: Sha256 }): ArchiveSource {
  const manifests = recent<readonly ManifestFile[]>(limits.archivedManifestsKept);
  const opened = recent<OpenedArchiveFile>(limits.archivedFilesKept);
  const groups = recent<readonly ArchiveRow[]>(limits.archivedGroupsKept);
  return {
    files: (day, keys) =>
      manifests.of(`${day.tenantId}/${day.day}/${toHex(day.manifestSha256)}`, async () => {
        const bytes = await store.get(day.manifestKey);
        if (bytes === undefined) throw missing(day.manifestKey);
        if (toHex(sha256(bytes)) !== toHex(day.manifestSha256)) throw fault(day, "manifest: is not the one that the catalogue names");
        return await asFault(day, () => trustedManifest(day, bytes, keys));
      }),
    open: (day, file) =>
      opened.of(`${file.key}/${file.sha256}`, async () => {
        const source = file.bytes <= limits.archivedWholeBytes ? await whole(store, sha256, day, file) : ranges(store, file);
        const archive = await asFault(day, () => openArchiveFile(source));
        const { tenantId, day: date } = archive.name;
        if (tenantId !== day.tenantId || date !== day.day || archive.rows !== file.rows) throw fault(day, "file: is another's, or has other rows");
        const nameOf = (group: ArchiveGroup) => `${file.key}/${file.sha256}/${group.index}`;
        return {
          groups: archive.groups,
          groupBytes: (group) => groups.has(nameOf(group)) ? 0 : Math.ceil(file.bytes * (group.end - group.start) / file.rows),
          readGroup: (group) => groups.of(nameOf(group), () => asFault(day, () => readChecked(day, archive, group, file))),
        };
      }),
    check: (day, row) => {
      const leaf = leafOf(row.event);
      if (leaf !== row.leaf || toHex(leafHashOf(leaf, sha256)) !== toHex(row.leafHash)) throw fault(day, "row: does not have the leaf that it was hashed with");
    },
  };
}

/** The manifest's files, once it was opened as one of a log that signs here. */
async function trustedManifest(day: ArchivedDay, bytes: Uint8Array, keys: readonly ArchiveKey[]): Promise<readonly ManifestFile[]> {
  let last: unknown = fault(day, "manifest: nobody has signed here");
  for (const logOrigin of new Set(keys.map((key) => key.logOrigin))) {
    const verifiers: NoteVerifier[] = [];
    for (const key of keys) if (key.logOrigin === logOrigin) verifiers.push(await parseVerifierKey(key.verifierKey));
    try {
      return (await openManifest(bytes, { logOrigin, tenantId: day.tenantId, day: day.day, verifiers })).manifest.files;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function whole(store: ArchiveStore, sha256: Sha256, day: ArchivedDay, file: ManifestFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await store.get(file.key);
  if (bytes === undefined) throw missing(file.key);
  if (bytes.length !== file.bytes || toHex(sha256(bytes)) !== file.sha256) throw fault(day, "file: is not the one that the manifest names");
  return new Uint8Array(bytes);
}

/** A file of which only what is asked for is fetched: its footer, and the columns of single row groups. */
function ranges(store: ArchiveStore, file: ManifestFile) {
  const slice = async (start: number, end: number = file.bytes): Promise<ArrayBuffer> => {
    const bytes = await store.getRange(file.key, start, end);
    if (bytes === undefined) throw missing(file.key);
    if (bytes.length !== end - start) throw new ArchiveFault("read archive file: it is shorter than its manifest says");
    return new Uint8Array(bytes).buffer;
  };
  return { byteLength: file.bytes, slice };
}

/** The rows of a group; each belongs to this tenant and day and stands after the one before. */
async function readChecked(day: ArchivedDay, archive: ArchiveFile, group: ArchiveGroup, file: ManifestFile): Promise<readonly ArchiveRow[]> {
  const rows = await archive.readGroup(group);
  if (rows.length !== group.end - group.start) throw new ArchiveFault("read row group: it has other rows than it says");
  let before = "";
  for (const { event, logIndex } of rows) {
    const key = `${event.occurred_at} ${event.id}`;
    const isOurs = event.tenant_id === day.tenantId && event.occurred_at.startsWith(day.day) && key > before;
    if (!isOurs) throw new ArchiveFault("read row group: a row is of another tenant or day, or out of order");
    const isListed = event.occurred_at >= file.first_occurred_at && event.occurred_at <= file.last_occurred_at && logIndex >= file.first_log_index &&
      logIndex <= file.last_log_index;
    if (!isListed) throw new ArchiveFault("read row group: a row is outside what the manifest says");
    before = key;
  }
  return rows;
}

async function asFault<T>(day: ArchivedDay, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ArchiveFault) throw fault(day, "it is not what its manifest says", error);
    throw error;
  }
}

function fault(day: ArchivedDay, what: string, cause?: unknown): AuditError {
  return new AuditError("archive_fault", `read archive of ${day.day}: ${what}`, { cause: cause ?? new ArchiveFault(what) });
}

/** Deleted a moment ago, since its time was over, or lost: a second look at the catalogue tells. */
function missing(key: string): AuditError {
  const cause = new ArchiveFault(`read archive: ${key}: is not there`);
  return new AuditError("unavailable", "read archive: an object of it is not there", { retryAfterSeconds: 30, cause });
}

/** The last `count` values by name; what fails is not kept. */
function recent<T>(count: number) {
  const kept = new Map<string, Promise<T>>();
  return {
    has: (name: string) => kept.has(name),
    of: (name: string, make: () => Promise<T>): Promise<T> => {
      const found = kept.get(name);
      kept.delete(name);
      const value = found ?? make();
      kept.set(name, value);
      if (found === undefined) value.catch(() => kept.delete(name));
      for (const oldest of kept.keys()) {
        if (kept.size <= count) break;
        kept.delete(oldest);
      }
      return value;
    },
  };
}

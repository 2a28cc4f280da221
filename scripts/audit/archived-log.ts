import { ArchiveFault } from "../../core/archive-fault.ts";
import { type ArchiveRow, openArchiveFile } from "../../core/archive-file.ts";
import { type ManifestFile } from "../../core/archive-manifest.ts";
import { readManifest } from "../../core/archive-restore.ts";
import { hasBytes } from "../../core/archive-check.ts";
import { tileWidth } from "../../core/format/tiles.ts";
import { restoredSeqOffset } from "../../core/restore-tree.ts";
import type { ExpiredDay, LeafTile, LogSource, ReadEvent, StoredEvent } from "../../verify/source.ts";
import { type ArchiveOptions, type ArchiveTarget, openArchiveTarget } from "./archive-target.ts";
import { type FoundRow, tilesOf } from "./archived-tiles.ts";
import type { CatalogueEntry, DatabaseLog } from "./database-source.ts";
import { CommandError } from "./failure.ts";

const pageRows = 500;

/** A log in Postgres: it says which days left it, and of restored events which have no tile there any more. */
type HotLog = LogSource & Pick<DatabaseLog, "restoredEvents" | "archives" | "hasExpiredSince">;

/** `base` with the days that left it, and what to close afterwards. Throws a CommandError when there are such days and no archive, or one without any of them, is named. */
export async function withArchivedDays<Log extends HotLog>(
  base: Log,
  options: ArchiveOptions,
): Promise<{ readonly log: Log; readonly close: () => Promise<void> }> {
  const { archives } = base;
  if (archives.length === 0) return { log: base, close: () => Promise.resolve() };
  const target = await openArchiveTarget(options);
  try {
    if (!await hasAny(target, archives)) {
      throw new CommandError(
        "archive_not_found",
        `read archive: none of the ${archives.length} archived days is there`,
        "give the place that AUDIT_ARCHIVE_URL names with --archive; if this is the one, it was emptied",
      );
    }
    return { log: await withArchive(base, target), close: target.close };
  } catch (fault) {
    await target.close();
    throw fault;
  }
}

/** Whether this is the archive at all: an object that is missing beside others was removed, where all are missing the place is likely wrong. */
async function hasAny({ archive }: Pick<ArchiveTarget, "archive">, entries: readonly CatalogueEntry[]): Promise<boolean> {
  for (const { manifestKey } of entries) if (await archive.get(manifestKey) !== undefined) return true;
  return false;
}

/**
 * A log whose old days are in the archive: their events are read there, and so are tiles that are no longer in Postgres. Order is all that a verifier needs
 * of seq; where the tile that named it has moved, one is made up that keeps the order. Throws ArchiveFault when an archive is not what the catalogue means.
 */
async function withArchive<Log extends HotLog>(base: Log, target: Omit<ArchiveTarget, "close">): Promise<Log> {
  const logs = new Map<string, TenantArchive>();
  const { files: found, expired } = await filesOf(target, base.archives);
  for (const [id, files] of found) {
    const size = base.tenants.find((claims) => claims.tenantId === id)?.tree?.size ?? 0;
    logs.set(id, openTenantArchive(base, target, id, size, files));
  }
  if (logs.size === 0) return base;
  return {
    ...base,
    expired,
    events: () => mergedEvents(base, logs),
    leafTiles: async (id, fromIndex, limit) => await (logs.get(id)?.leafTiles(fromIndex, limit) ?? base.leafTiles(id, fromIndex, limit)),
  };
}

type ArchivedFile = ManifestFile & Pick<CatalogueEntry, "tenantId" | "day"> & { readonly isRestored: boolean };

type ArchivedFiles = { readonly files: ReadonlyMap<string, ArchivedFile[]>; readonly expired: readonly ExpiredDay[] };

/** Each tenant's files by its signed manifests, and, by those that outlived their files, the days that expired. */
async function filesOf(target: Omit<ArchiveTarget, "close">, archives: readonly CatalogueEntry[]): Promise<ArchivedFiles> {
  const files = new Map<string, ArchivedFile[]>();
  const expired: ExpiredDay[] = [];
  for (const { tenantId, day, state, manifestKey: key, manifestSha256: sha256, expiringOn = "", isGone } of archives) {
    const { manifest } = await readManifest(target, { tenantId, day, key, sha256 });
    if (isGone) {
      const { rows, first_log_index: firstIndex, last_log_index: lastIndex } = manifest;
      expired.push({ tenantId, day, rows, firstIndex, lastIndex, expiringOn });
    }
    const isRestored = state !== "archived" && state !== "expiring";
    const own = isGone ? [] : manifest.files.map((file) => ({ ...file, tenantId, day, isRestored }));
    files.set(tenantId, [...files.get(tenantId) ?? [], ...own]);
  }
  return { files, expired };
}

async function* mergedEvents(base: HotLog, logs: ReadonlyMap<string, TenantArchive>): AsyncGenerator<readonly ReadEvent[]> {
  for await (const page of base.events()) {
    const merged: ReadEvent[] = [];
    for (const stored of page) {
      const log = logs.get(stored.tenantId);
      // It comes at its place in the tree, which may be behind places whose tiles stayed.
      if (stored.seq < 0 && stored.seq >= -restoredSeqOffset && log !== undefined) continue;
      for (let row = await log?.before(stored.seq); row !== undefined; row = await log?.before(stored.seq)) {
        merged.push(row);
        if (merged.length >= pageRows) yield merged.splice(0);
      }
      merged.push(stored);
    }
    yield merged;
  }
  for (const log of logs.values()) {
    const rest: StoredEvent[] = [];
    for (let row = await log.before(Infinity); row !== undefined; row = await log.before(Infinity)) {
      rest.push(row);
      if (rest.length >= pageRows) yield rest.splice(0);
    }
    yield rest;
  }
}

type TenantArchive = {
  /** The next event, archived or restored, whose seq is less than `seq`. */
  before(seq: number): Promise<StoredEvent | undefined>;
  leafTiles(fromIndex: number, limit: number): Promise<readonly LeafTile[]>;
};

function openTenantArchive(
  base: HotLog,
  { archive, sha256 }: Omit<ArchiveTarget, "close">,
  tenantId: string,
  size: number,
  files: readonly ArchivedFile[],
): TenantArchive {
  const tiles = tilesOf(base, archive, tenantId, rowsByIndex(base, archive, sha256, files));
  const restored = restoredOf(base, tenantId);
  /** The place of the next event that `before` hands out. */
  const nextIndex = () => Math.min(tiles.waiting[0]?.logIndex ?? Infinity, placeOf(restored.known()));
  return {
    async before(seq) {
      await tiles.meetNext();
      const back = await restored.next();
      const index = nextIndex();
      if (index === Infinity) return undefined;
      const tile = await tiles.at(Math.floor(index / tileWidth));
      const own = tile?.seqs[index % tileWidth] ?? index - restoredSeqOffset;
      if (own >= seq) return undefined;
      if (back !== undefined && placeOf(back) === index) {
        restored.take();
        return { ...back, seq: own };
      }
      const { event, leafHash } = tiles.waiting.shift() as ArchiveRow;
      return { tenantId, seq: own, occurredAt: event.occurred_at, id: event.id, leafHash, event };
    },
    async leafTiles(fromIndex, limit) {
      const made: LeafTile[] = [];
      for (let index = fromIndex; index < fromIndex + limit && index * tileWidth < size; index++) {
        const tile = await tiles.at(index);
        if (tile === undefined) break;
        made.push(tile);
      }
      tiles.forget(Math.min(fromIndex, Math.floor(nextIndex() / tileWidth)));
      return made;
    },
  };
}

/** A restored event's place in the tree, as it says itself; nothing of it is believed before the tree was compared. */
function placeOf(stored: StoredEvent | undefined): number {
  return stored === undefined ? Infinity : stored.seq + restoredSeqOffset;
}

/** The tenant's restored events without a tile, one after the other, some read ahead. */
function restoredOf(base: HotLog, tenantId: string) {
  let page: StoredEvent[] = [];
  let after = -restoredSeqOffset - 1;
  let isEnd = false;
  return {
    known: () => page[0],
    next: async () => {
      if (page.length === 0 && !isEnd) {
        page = [...await base.restoredEvents(tenantId, after, pageRows)];
        isEnd = page.length < pageRows;
        after = page.at(-1)?.seq ?? after;
      }
      return page[0];
    },
    take: () => void page.shift(),
  };
}

/** Events of all files in the order of the tree. A file is held from the first of its places to its last: late events make days overlap, a little. */
async function* rowsByIndex(
  base: HotLog,
  archive: ArchiveTarget["archive"],
  sha256: ArchiveTarget["sha256"],
  files: readonly ArchivedFile[],
): AsyncGenerator<FoundRow, undefined> {
  const waiting = [...files].sort((a, b) => a.first_log_index - b.first_log_index);
  const open: FoundRow[][] = [];
  for (;;) {
    const least = open.reduce((min, rows) => Math.min(min, rows.at(-1)?.row.logIndex ?? Infinity), Infinity);
    const [next] = waiting;
    if (next !== undefined && next.first_log_index <= least) {
      waiting.shift();
      open.push((await readFile(base, archive, sha256, next)).map((row) => ({ row, isRestored: next.isRestored })));
      continue;
    }
    const at = open.findIndex((rows) => rows.at(-1)?.row.logIndex === least);
    const found = open[at]?.pop();
    if (found === undefined) return undefined;
    yield found;
    if (open[at]?.length === 0) open.splice(at, 1);
  }
}

/** The file's events, the last place first, so that taking one is cheap. */
async function readFile(base: HotLog, archive: ArchiveTarget["archive"], sha256: ArchiveTarget["sha256"], file: ArchivedFile): Promise<ArchiveRow[]> {
  const bytes = await archive.get(file.key);
  if (bytes === undefined && await base.hasExpiredSince(file.tenantId, file.day)) {
    throw new CommandError("archive_expired", `read archive of ${file.day}: its time was over while the log was read`, "run verify again");
  }
  if (bytes === undefined || !hasBytes(sha256, bytes, { bytes: file.bytes, sha256: Buffer.from(file.sha256, "hex") })) {
    throw new ArchiveFault(`read archive file ${file.key}: it is not there, or not the one that the manifest means`);
  }
  const opened = await openArchiveFile(bytes.slice());
  const rows: ArchiveRow[] = [];
  for (const group of opened.groups) for (const row of await opened.readGroup(group)) rows.push(row);
  return rows.sort((a, b) => b.logIndex - a.logIndex);
}

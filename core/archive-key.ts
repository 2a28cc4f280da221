import { toHex } from "./format/hex.ts";

/** Where a tenant's archived day lies: Hive partitions, so that DuckDB, Trino, Spark and Athena find both in the path. Ends in a slash. */
export function archiveFolder(tenantId: string, day: string): string {
  return `tenant_id=${tenantId}/date=${day}/`;
}

/**
 * The key of one file. Named for its bytes: whoever writes it a second time meets its own work. `generation` counts objects that were given up because the
 * store held other bytes under such a name.
 */
export function archiveFileKey(tenantId: string, day: string, part: number, generation: number, sha256: Uint8Array): string {
  const again = generation === 0 ? "" : `-${generation}`;
  return `${archiveFolder(tenantId, day)}${String(part).padStart(5, "0")}-${shortName(sha256)}${again}.parquet`;
}

/** The key of a manifest: a signed note, not a JSON file, hence its ending. */
export function archiveManifestKey(tenantId: string, day: string, sha256: Uint8Array): string {
  return `${archiveManifestPrefix(tenantId, day)}${shortName(sha256)}.note`;
}

/** What the keys of an archive's manifests begin with. There may be several: of work that was interrupted, and of days that came back and left again. */
export function archiveManifestPrefix(tenantId: string, day: string): string {
  return `${archiveFolder(tenantId, day)}manifest-`;
}

/** Where a tenant's log lies as C2SP tlog-tiles; `tilePath` follows. */
export function archivedTilesPrefix(tenantId: string): string {
  return `tiles/${tenantId}/`;
}

function shortName(sha256: Uint8Array): string {
  return toHex(sha256).slice(0, 16);
}

import { openManifest } from "../../core/archive-manifest.ts";
import { openArchiveFile } from "../../core/archive-file.ts";
import { hasBytes } from "../../core/archive-check.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import { firstKey, logOrigin, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

type ArchiveRecord = {
  readonly tenant_id: string;
  readonly day: string;
  readonly manifest_key: string;
  readonly manifest_sha256: Buffer;
  readonly rows: string;
};

/**
 * Every event that a reader finds, as `tenant/time/id/leaf hash`, in order: those in Postgres and those of archives that the catalogue says are read there,
 * in one transaction and in the order that docs/format/archive.md asks for. What is archived is read by its signed manifest alone, and once for each manifest
 * that `known` has not.
 */
export async function everything(log: TestLog, store: ArchiveStore, known = new Map<string, readonly string[]>()): Promise<string[]> {
  await log.admin.query("begin");
  try {
    const hot = await log.admin.query(
      `select tenant_id, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, id, encode(leaf_hash, 'hex') as hash from audit_log.events`,
    );
    const archived = await log.admin.query<ArchiveRecord>(
      "select tenant_id, day::text, manifest_key, manifest_sha256, rows from audit_log.archives where state = 'archived'",
    );
    const found = hot.rows.map((row) => `${row.tenant_id}/${row.at}/${row.id}/${row.hash}`);
    for (const record of archived.rows) {
      if (!known.has(record.manifest_key)) known.set(record.manifest_key, await readArchive(store, record));
      found.push(...known.get(record.manifest_key) ?? []);
    }
    return found.sort();
  } finally {
    await log.admin.query("commit");
  }
}

async function readArchive(store: ArchiveStore, record: ArchiveRecord): Promise<string[]> {
  const bytes = await store.get(record.manifest_key);
  if (bytes === undefined || !hasBytes(sha256, bytes, { bytes: bytes.length, sha256: record.manifest_sha256 })) {
    throw new Error("manifest: is not the catalogue's");
  }
  const { manifest } = await openManifest(bytes, { logOrigin, tenantId: record.tenant_id, day: record.day, verifiers: [firstKey.signer] });
  const found: string[] = [];
  for (const file of manifest.files) {
    const body = await store.get(file.key);
    if (body === undefined || !hasBytes(sha256, body, { bytes: file.bytes, sha256: Buffer.from(file.sha256, "hex") })) {
      throw new Error(`file ${file.key}: is not the manifest's`);
    }
    const opened = await openArchiveFile(body.slice());
    for (const group of opened.groups) {
      for (const { event, leafHash } of await opened.readGroup(group)) {
        found.push(`${event.tenant_id}/${event.occurred_at}/${event.id}/${Buffer.from(leafHash).toString("hex")}`);
      }
    }
  }
  if (found.length !== Number(record.rows)) throw new Error(`archive of ${record.day}: ${found.length} of ${record.rows} events`);
  return found;
}

import type { ArchiverDependencies } from "./archive.ts";
import type { ExpiryWork } from "./archive-books.ts";
import { ArchiveFault } from "./archive-fault.ts";
import { archiveFolder } from "./archive-key.ts";
import type { AuditEvent } from "./event.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { toHex } from "./format/hex.ts";
import { makeUuid7 } from "./format/uuid7.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import type { ArchiveStore, EventRow } from "./ports.ts";

/** Who is said to have deleted an archive: no caller, the schedule. */
export const retentionPrincipal = "job:audit-retention";

/**
 * Deletes the files of an archive whose time is over; its manifest stays, as do the tree and its checkpoints. First the deletion is recorded as an event
 * of the tenant: nothing is ever gone that the log does not tell of.
 */
export async function expireArchive(dependencies: ArchiverDependencies, work: ExpiryWork): Promise<boolean> {
  const { books, archive } = dependencies;
  await record(dependencies, work);
  for (const { written } of await books.files(work.tenantId, work.day)) if (written !== undefined) await archive.remove(written.key);
  // Objects of work that was interrupted are in no books, and hold the same events.
  for (const key of await eventFiles(archive, work)) await archive.remove(key);
  if ((await eventFiles(archive, work)).length > 0) {
    throw new ArchiveFault("expire archive: objects: are there still, though the store says that they were removed");
  }
  return await books.recordDeleted(work);
}

/**
 * Records the deletion under an id that is the same at every try, so that it is told once. Where that place is taken, or is of a day that was closed
 * since because nobody tried for so long, whether it was told cannot be known any more: then it is told again, as of today.
 */
async function record(dependencies: ArchiverDependencies, work: ExpiryWork): Promise<void> {
  if (await isRecorded(dependencies, recordOf(dependencies, work, work.expiringAt))) return;
  const today = `${dependencies.now().toISOString().slice(0, 10)}T00:00:00.000Z`;
  if (!await isRecorded(dependencies, recordOf(dependencies, work, today))) throw new ArchiveFault("expire archive: record: cannot be stored");
}

/** Stores `row` and says whether it, or one that the archiver stored before, is there. Who stored an event is for nobody to choose. */
async function isRecorded({ events }: ArchiverDependencies, row: EventRow): Promise<boolean> {
  const { existing, closedDays } = await events.insert([row]);
  return closedDays.length === 0 && existing.every(({ principal }) => principal === retentionPrincipal);
}

async function eventFiles(archive: ArchiveStore, { tenantId, day }: ExpiryWork): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after = "";; after = found.at(-1) ?? after) {
    const page = await archive.list(archiveFolder(tenantId, day), { after, limit: listedAtOnce });
    found.push(...page);
    if (page.length < listedAtOnce) return found.filter((key) => key.endsWith(".parquet"));
  }
}
const listedAtOnce = 1000;

function recordOf({ now, sha256 }: ArchiverDependencies, work: ExpiryWork, occurredAt: string): EventRow {
  const detail = {
    date: work.day,
    events: work.rows,
    bytes: work.bytes,
    files: work.files,
    manifest: work.manifestKey,
    manifest_sha256: toHex(work.manifestSha256),
  };
  const seed = sha256(new TextEncoder().encode(["audit.archive.expired", work.tenantId, work.day, occurredAt].join("\0")));
  const event: AuditEvent = {
    tenant_id: work.tenantId,
    occurred_at: occurredAt,
    id: makeUuid7(Date.parse(occurredAt), seed.slice(0, 16)),
    received_at: now().toISOString(),
    principal: retentionPrincipal,
    source: "audit-events",
    actor_id: retentionPrincipal,
    actor_type: "job",
    event_type: "audit.archive.expired",
    object_type: "audit.archive",
    object_id: work.day,
    result: "success",
    context: detail,
  };
  const contextJson = canonicalJson(detail);
  return { event, contextJson, leafHash: toHex(leafHashOf(leafOf(event, contextJson), sha256)) };
}

import type { ArchiverDependencies } from "./archive.ts";
import type { ExpiryWork } from "./archive-books.ts";
import type { AuditEvent } from "./event.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { toHex } from "./format/hex.ts";
import { makeUuid7 } from "./format/uuid7.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import type { EventRow } from "./ports.ts";

/** Who is said to have deleted an archive: no caller, the schedule. */
export const retentionPrincipal = "job:audit-retention";

/**
 * Deletes the files of an archive whose time is over; its manifest stays, as do the tree and its checkpoints. First the deletion is recorded as an event
 * of the tenant, under an id that is the same at every try: nothing is ever gone that the log does not tell of, and it tells once.
 */
export async function expireArchive(dependencies: ArchiverDependencies, work: ExpiryWork): Promise<boolean> {
  const { books, archive, events } = dependencies;
  await events.insert([recordOf(dependencies, work)]);
  for (const { written } of await books.files(work.tenantId, work.day)) if (written !== undefined) await archive.remove(written.key);
  return await books.recordDeleted(work);
}

function recordOf({ now, sha256 }: ArchiverDependencies, work: ExpiryWork): EventRow {
  const detail = {
    date: work.day,
    events: work.rows,
    bytes: work.bytes,
    files: work.files,
    manifest: work.manifestKey,
    manifest_sha256: toHex(work.manifestSha256),
  };
  const seed = sha256(new TextEncoder().encode(["audit.archive.expired", work.tenantId, work.day, work.expiringAt].join("\0")));
  const event: AuditEvent = {
    tenant_id: work.tenantId,
    occurred_at: work.expiringAt,
    id: makeUuid7(Date.parse(work.expiringAt), seed.slice(0, 16)),
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

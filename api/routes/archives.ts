import { Hono } from "hono";
import { z } from "zod";
import type { Archive } from "../../core/archived-catalogue.ts";
import { AuditError } from "../../core/errors.ts";
import { toHex } from "../../core/format/hex.ts";
import { limits } from "../../core/limits.ts";
import { tenantParameters, whole } from "../../core/query-parameters.ts";
import { isDay } from "../../core/query-time.ts";
import { requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";
import { archiveListBody } from "../retention-schemas.ts";
import { query } from "../validate.ts";

const day = (description: string) => z.string().refine(isDay, { error: "must be a date like 2026-01-31" }).meta({ description, format: "date" });

const listParameters = z.strictObject({
  tenant_id: tenantParameters.shape.tenant_id,
  from: day("first day").optional(),
  to: day("last day").optional(),
  limit: whole("archives on a page", 1, limits.archivesPerPageMax, limits.archivesPerPage).optional(),
  cursor: day("next_cursor of the page before").optional(),
});

const description =
  `One row for each UTC day that has left Postgres, newest first: where its events are, the checkpoint that covers them, when it may expire. Manifests,
roots and checkpoints stay when the events of an archive have expired.`;

/** `GET /archives`, for auditors. */
export function archiveRoutes(parts: ApiParts) {
  return new Hono<ApiEnv>().get(
    "/archives",
    operation("List archived days", archiveListBody, { description }),
    requireScope(parts.authenticate, "export"),
    query(listParameters),
    async (context) => {
      const { tenant_id, from, to, limit = limits.archivesPerPage, cursor } = context.req.valid("query");
      if (from !== undefined && to !== undefined && from > to) {
        throw new AuditError("invalid_parameter", "list archives: the last day is before the first; let it begin earlier or end later", { pointer: "from" });
      }
      const caller = context.get("caller");
      const found = await parts.archives.list(caller.claims, tenantOf(caller, tenant_id), { from, to, before: cursor, limit: limit + 1 });
      const page = found.slice(0, limit);
      return context.json({ archives: page.map(bodyOfArchive), next_cursor: found.length > limit ? page.at(-1)?.day ?? null : null });
    },
  );
}

function bodyOfArchive(archive: Archive) {
  return {
    tenant_id: archive.tenantId,
    day: archive.day,
    state: archive.state,
    rows: archive.rows,
    files: archive.files,
    bytes: archive.bytes,
    first_log_index: archive.firstLogIndex,
    last_log_index: archive.lastLogIndex,
    checkpoint_size: archive.checkpointSize,
    checkpoint_root: toHex(archive.checkpointRoot),
    manifest_key: archive.manifestKey,
    manifest_sha256: toHex(archive.manifestSha256),
    archived_at: archive.archivedAt,
    expires_at: archive.expiresAt,
    deleted_at: archive.deletedAt ?? null,
    held: archive.isHeld,
  };
}

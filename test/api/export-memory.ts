import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildServer } from "../../scripts/build-server.ts";
import { serverFlags } from "../../scripts/stack/server-flags.ts";
import { testEnvironment } from "../support/tokens.ts";
import { startServer } from "./server-process.ts";
import { seedEvents, startService, tenantA, tokenOf } from "./service.ts";

export type Exported = {
  readonly format: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly end: string;
  readonly recordedRows: unknown;
  readonly recordedSha256: unknown;
};

/**
 * Exports `rows` events in every format from a server process as `npm start` and the Dockerfile run it: bundled, with
 * `serverFlags`. Gives what was received and recorded, and the most memory the process has ever held.
 */
export async function exportFromServer(
  rows: number,
): Promise<{ readonly peakBytes: number; readonly exports: readonly Exported[] }> {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-server-"));
  const service = await startService();
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  try {
    await seedEvents(service.admin, tenantA, rows, { days: 5 });
    server = await startServer(testEnvironment(service.database), { entry: await buildServer(folder), flags: serverFlags });
    const exports: Exported[] = [];
    for (const format of ["csv", "ndjson", "parquet"]) exports.push(await exportOnce(service, server.url, format));
    return { peakBytes: server.peakBytes(), exports };
  } finally {
    await server?.stop();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function exportOnce(service: Awaited<ReturnType<typeof startService>>, url: string, format: string): Promise<Exported> {
  const token = await tokenOf("auditor");
  const from = new Date(Date.now() - 7 * 86_400_000).toISOString();
  const response = await fetch(`${url}/api/v1/audit/events/export?format=${format}&from=${from}&q=-source:audit-events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`export ${format}: ${response.status} ${await response.text()}`);
  const hash = createHash("sha256");
  let bytes = 0;
  let end = "";
  for await (const chunk of response.body ?? []) {
    hash.update(chunk);
    bytes += chunk.length;
    end = Buffer.from(chunk).toString("latin1").slice(-400);
  }
  const { json } = await service.ask("/events?event_type=audit.events.exported&limit=1", { as: token });
  const [record] = (json as { readonly events: readonly { readonly context: Readonly<Record<string, unknown>> }[] }).events;
  return { format, bytes, sha256: hash.digest("hex"), end, recordedRows: record?.context["rows"], recordedSha256: record?.context["file_sha256"] };
}

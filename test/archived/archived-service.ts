import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolderStore } from "../../adapters/storage/folder-store.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import { sealAll } from "../api/seal-all.ts";
import { type Service, type ServiceOptions, startService } from "../api/service.ts";
import { archiveAll, archiverOf } from "../archive/archived-log.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { readerOn } from "./reading.ts";

/** The real service over a log, part of which can be archived by the real archiver. It has all the time it needs to read an archive, as `readerOn` does. */
export type ArchivedService = {
  readonly log: TestLog;
  readonly service: Service;
  readonly folder: string;
  readonly store: ArchiveStore;
  /** Stores events as the door would have when they were young, and seals them. */
  ingest(events: readonly AuditEvent[]): Promise<void>;
  /** Archives every day that is old enough. */
  archive(): Promise<void>;
  /** A second service on the same log. */
  beside(options: Pick<ServiceOptions, "env" | "replace" | "exportBounds">): Promise<Service>;
  stop(): Promise<void>;
};

export async function startArchived(options: Pick<ServiceOptions, "exportBounds" | "replace"> = {}): Promise<ArchivedService> {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-archived-"));
  const env = { AUDIT_ARCHIVE_URL: `file:${folder}` };
  const log = await openLog();
  const store = createFolderStore(folder);
  const replace: ServiceOptions["replace"] = (parts) => ({ reader: readerOn(log, store), ...options.replace?.(parts) });
  const service = await startService({ database: log.database, env, ...options, replace });
  const others: Service[] = [];
  return {
    log,
    service,
    folder,
    store,
    ingest: async (events) => {
      // What comes in one batch was received at one moment.
      for (const received of Map.groupBy(events, (event) => event.received_at).values()) {
        await log.ingest(received);
        await sealAll(log);
      }
    },
    archive: async () => void await archiveAll(archiverOf(log, folder)),
    beside: async (change) => {
      const other = await startService({ database: log.database, ...change, env: { ...env, ...change.env } });
      others.push(other);
      return other;
    },
    stop: async () => {
      for (const other of others) await other.stop();
      await service.stop();
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

import type { Pool } from "pg";
import type { ArchiverDependencies } from "../core/archive.ts";
import { parseSigningKey } from "../core/format/signed-note.ts";
import type { Log } from "../core/ports.ts";
import { type Settings, SettingsError } from "./environment.ts";
import { createEventStore } from "./postgres/event-store.ts";
import { createArchiveBooks } from "./postgres/archive-books.ts";
import { hashLeaves } from "./leaf-hashes.ts";
import { sha256 } from "./sha256.ts";
import { joinPairs } from "./sha256-lanes.ts";
import { openArchive } from "./storage/open-archive.ts";

/** The archiver as `settings` say; throws a SettingsError when they name no archive that can be reached, no signing key or no log. */
export async function createArchiver(settings: Settings, pool: Pool, log: Log, now: () => Date): Promise<ArchiverDependencies> {
  const archive = openArchive(settings);
  const { signingKey, logOrigin } = settings;
  if (archive === undefined) {
    throw new SettingsError(["AUDIT_ARCHIVE_URL: set where archives go, and for a bucket SUPABASE_SECRET_KEYS, by which it is reached"]);
  }
  if (signingKey === undefined || logOrigin === undefined) throw new SettingsError(["AUDIT_SIGNING_KEY and AUDIT_LOG_ORIGIN: set both: manifests are signed"]);
  return {
    books: createArchiveBooks(pool, log),
    events: createEventStore(pool, log),
    archive,
    signer: await parseSigningKey(signingKey),
    logOrigin,
    sha256,
    hashLeaves,
    joinPairs,
    now,
    log,
  };
}

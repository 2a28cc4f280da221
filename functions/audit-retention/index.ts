import { createAuthenticate } from "../../adapters/auth/authenticate.ts";
import { readSettings } from "../../adapters/environment.ts";
import { jsonLog } from "../../adapters/log.ts";
import { createArchiver } from "../../adapters/create-archiver.ts";
import { createKeyStore } from "../../adapters/postgres/key-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { sha256 } from "../../adapters/sha256-wasm.ts";
import { createArchiveHandler } from "../../core/archive-handler.ts";
import { limits } from "../../core/limits.ts";

const settings = readSettings(Deno.env.toObject(), ["AUDIT_SIGNING_KEY", "AUDIT_LOG_ORIGIN", "AUDIT_ARCHIVE_URL"]);
const now = () => new Date();
const log = jsonLog(console.info, now);
const pool = createPool(settings, log);
const authenticate = createAuthenticate({ settings, keys: createKeyStore(pool, log), now });
const archiver = await createArchiver(settings, pool, log, now);
const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const { hotDays, retentionYears } = settings;
const bounds = {
  hotDays,
  retentionYears,
  budgetMs: limits.archiveBudgetMs,
  leaseSeconds: limits.archiveLeaseSeconds,
  retrySeconds: limits.archiveRetrySeconds,
};

export default { fetch: createArchiveHandler({ ...archiver, sha256, authenticate, bounds, randomBytes }) };

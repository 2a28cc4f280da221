import { createAuthenticate } from "../../adapters/auth/authenticate.ts";
import { readSettings } from "../../adapters/environment.ts";
import { jsonLog } from "../../adapters/log.ts";
import { createBundleSource } from "../../adapters/postgres/bundle-source.ts";
import { createKeyStore } from "../../adapters/postgres/key-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { sha256 } from "../../adapters/sha256-wasm.ts";
import { openArchive } from "../../adapters/storage/open-archive.ts";
import { createCheckpointCare } from "../../core/checkpoint-care.ts";
import { parseSigningKey } from "../../core/format/signed-note.ts";
import { limits } from "../../core/limits.ts";
import { createSealHandler } from "../../core/seal-handler.ts";

const settings = readSettings(Deno.env.toObject(), ["AUDIT_SIGNING_KEY", "AUDIT_LOG_ORIGIN"]);
const now = () => new Date();
const log = jsonLog(console.info, now);
const pool = createPool(settings, log);
const authenticate = createAuthenticate({ settings, keys: createKeyStore(pool, log), now });
const signer = await parseSigningKey(settings.signingKey ?? "");
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const { sealRowsPerTurn: rowsPerTurn, sealTenantsPerTurn: tenantsPerTurn, sealBudgetMs: budgetMs, sealWaitMs: waitMs } = limits;
const bounds = { rowsPerTurn, tenantsPerTurn, budgetMs, waitMs };
const sealing = { store: createSealStore(pool, log), signer, logOrigin: settings.logOrigin ?? "", sha256, now, sleep };
const source = createBundleSource(pool, sha256, log);
const afterwards = createCheckpointCare({ ...sealing, source, thin: source.thin, archive: openArchive(settings), log });

export default { fetch: createSealHandler({ ...sealing, authenticate, bounds, log, randomBytes, afterwards }) };

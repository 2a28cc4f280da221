import { createAuthenticate } from "../../adapters/auth/authenticate.ts";
import { readSettings } from "../../adapters/environment.ts";
import { jsonLog } from "../../adapters/log.ts";
import { openCatalogue } from "../../adapters/open-catalogue.ts";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createKeyStore } from "../../adapters/postgres/key-store.ts";
import { createRateStore } from "../../adapters/postgres/rate-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { sha256 } from "../../adapters/sha256.ts";
import { createIngestHandler } from "../../core/ingest-handler.ts";
import { createRateLimiter } from "../../core/rate-limiter.ts";
import { limits } from "../../core/limits.ts";

const settings = readSettings(Deno.env.toObject());
const now = () => new Date();
const log = jsonLog(console.info, now);
const pool = createPool(settings, log);
const waitUntil = typeof EdgeRuntime === "undefined" ? undefined : (work: Promise<unknown>) => EdgeRuntime.waitUntil(work);
const authenticate = createAuthenticate({ settings, keys: createKeyStore(pool, log), now, log, waitUntil });
const random = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)), elapsedMs: () => performance.now() };
const { quotas } = settings;
const rates = quotas && createRateLimiter({ store: createRateStore(pool, log), quotas, elapsedMs: random.elapsedMs, log, waitUntil });
const catalogue = openCatalogue(settings);
const parts = { catalogue, authenticate, events: createEventStore(pool, log), now, sha256, settings, log, waitUntil, rates, ...random };

export default { fetch: createIngestHandler(parts, { method: "edge", eventsMax: limits.eventsPerRequestMax }) };

import type { DoorName } from "./delivery/door.ts";
import type { DeliverySettings } from "./delivery/state.ts";
import { type Environment, type ExitOptions, processEnvironment, readEnvironment } from "./environment.ts";
import { AuditConfigurationError } from "./errors.ts";
import type { EventContext, EventFault, EventInput } from "./event.ts";
import type { Credential } from "./http-door.ts";
import { platformRuntime, type Runtime } from "./runtime.ts";
import type { Spool } from "./spool-session.ts";
import type { AuditStats } from "./stats.ts";

/** Something an operator should know; `kind` is stable. */
export type AuditWarning = {
  readonly kind:
    | "queue_filling"
    | "queue_full"
    | "credential"
    | "spool"
    | "receipt"
    | "callback";
  readonly message: string;
  readonly cause?: unknown;
};

/** Everything a client can be told. `url` and a credential are needed; the rest has a default. */
export type AuditClientOptions = {
  /** Root of the Supabase project; else `AUDIT_URL` or `SUPABASE_URL`. */
  readonly url?: string;
  /** Root of the API service when it is elsewhere; else `AUDIT_API_URL`. */
  readonly apiUrl?: string;
  /** `aud_…`, or on a server `sb_secret_…`; else `AUDIT_API_KEY`. */
  readonly apiKey?: string;
  /** The current user's access token; asked before every request, with `refresh` after the server refused the last one. */
  readonly getToken?: Credential["getToken"];
  /** Stands in every event that names no other. */
  readonly tenantId?: string;
  /** Stands in every event that names no other. */
  readonly source?: string;
  /** More fields of that kind. */
  readonly defaults?: EventContext;
  /** False: nothing is logged, `auditOperation` still runs its function. `AUDIT_LOGGING_ENABLED`, true. */
  readonly enabled?: boolean;
  /** False: every event is a request of its own, and `auditOperation` waits for it. `AUDIT_LOGGING_ASYNC`, true. */
  readonly async?: boolean;
  /** Events in memory, also those on their way. `AUDIT_LOGGING_QUEUE_SIZE`, 1000. */
  readonly queueSize?: number;
  /** Bytes of those events; 16 MiB. */
  readonly queueBytes?: number;
  /** Events in a batch; 500, at most 1000. */
  readonly batchSize?: number;
  /** Bytes in a batch; 1 MiB, at most 4 MiB less 64 KiB. */
  readonly batchBytes?: number;
  /** How long an event waits for company; 250 ms. */
  readonly batchAgeMs?: number;
  /** Requests under way at once; 4. */
  readonly concurrency?: number;
  /** Which doors there are; both. */
  readonly doors?: "both" | DoorName;
  /** More events than this prefer the Edge Function; 50. */
  readonly edgeAbove?: number;
  /** What happens to an event that finds the queue full; `spill` with a spool, else `drop`. */
  readonly whenFull?: "drop" | "block" | "spill";
  /** Where events wait on disk: `createFileSpool` of `@audit-events/client/spool`. */
  readonly spool?: Spool;
  /** One request, answer included; 30 s. */
  readonly requestTimeoutMs?: number;
  /** How long `logEvent` and `logHighVolumeEvents` wait; 30 s. */
  readonly logTimeoutMs?: number;
  /** First wait after a failure at most; 250 ms, doubling. */
  readonly backoffBaseMs?: number;
  /** Longest wait after a failure; 30 s. */
  readonly backoffCapMs?: number;
  /** Longest `Retry-After` that is obeyed; 5 min. */
  readonly retryAfterCapMs?: number;
  /** Failures in a row that open a door's circuit breaker; 5. */
  readonly breakerFailures?: number;
  /** Names whose values are replaced by "[redacted]" anywhere in `context`. */
  readonly redact?: readonly string[];
  /** Stamped on every event with a counter from 1; a random UUID. Never the same for two clients alive. */
  readonly producerId?: string;
  /** Recompute every leaf hash the server returns. Events need a `tenant_id` for it. */
  readonly verifyReceipts?: boolean;
  /** In a page: send with `keepalive` when it is hidden; true. */
  readonly keepalive?: boolean;
  /** Keeps an edge worker alive until the promise is settled: `EdgeRuntime.waitUntil`, `ctx.waitUntil`. */
  readonly waitUntil?: (promise: Promise<unknown>) => void;
  /** Node, Deno, Bun: close at SIGTERM, SIGINT and `beforeExit`. */
  readonly closeOnExit?: boolean | ExitOptions;
  /** The server will not store this event. */
  readonly onRejected?: (event: EventInput, fault: EventFault) => void;
  /** Default: `console.warn`. */
  readonly onWarning?: (warning: AuditWarning) => void;
  readonly onMetrics?: (stats: AuditStats) => void;
  /** How often `onMetrics` is called while there is something to report; 10 s. */
  readonly metricsIntervalMs?: number;
  /** Default: the environment of the process, where there is one. */
  readonly environment?: Environment;
  /** Clock, timers, randomness, fetch. */
  readonly runtime?: Partial<Runtime>;
};

/** Options with every default in place. */
export type ClientSettings = {
  readonly enabled: boolean;
  readonly async: boolean;
  readonly doorUrls: Readonly<Record<DoorName, string>>;
  readonly credential: Credential;
  readonly delivery: DeliverySettings;
  readonly whenFull: "drop" | "block" | "spill";
  readonly requestTimeoutMs: number;
  readonly logTimeoutMs: number;
  readonly retryAfterCapMs: number;
  readonly metricsIntervalMs: number;
  readonly defaults: EventContext;
  readonly runtime: Runtime;
};

/** Reads options and environment; throws AuditConfigurationError that names every fault at once. */
export function readOptions(given: AuditClientOptions): ClientSettings {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as AuditClientOptions;
  const options: AuditClientOptions = {
    ...readEnvironment(given.environment ?? processEnvironment()),
    ...set,
  };
  const enabled = options.enabled ?? true;
  const faults = enabled ? faultsOf(options) : [];
  if (faults.length > 0) {
    throw new AuditConfigurationError(`create audit client: ${faults.join("; ")}`);
  }
  const sync = options.async === false;
  const doors: DoorName[] = options.doors === "edge" || options.doors === "api" ? [options.doors] : ["edge", "api"];
  return {
    enabled,
    async: !sync,
    doorUrls: {
      edge: `${trimmed(options.url ?? "")}/functions/v1/audit-logger`,
      api: `${auditApiUrl(options)}/events`,
    },
    credential: { apiKey: options.apiKey, getToken: options.getToken },
    delivery: {
      doors,
      edgeAbove: options.edgeAbove ?? 50,
      queueEvents: options.queueSize ?? 1000,
      queueBytes: options.queueBytes ?? 16 * 1024 * 1024,
      batchEvents: sync ? 1 : options.batchSize ?? 500,
      batchBytes: options.batchBytes ?? 1024 * 1024,
      batchAgeMs: sync ? 0 : options.batchAgeMs ?? 250,
      concurrency: options.concurrency ?? (sync ? 16 : 4),
      breakerFailures: options.breakerFailures ?? 5,
      backoffBaseMs: options.backoffBaseMs ?? 250,
      backoffCapMs: options.backoffCapMs ?? 30_000,
    },
    whenFull: options.whenFull ??
      (options.spool === undefined ? "drop" : "spill"),
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    logTimeoutMs: options.logTimeoutMs ?? 30_000,
    retryAfterCapMs: options.retryAfterCapMs ?? 300_000,
    metricsIntervalMs: options.metricsIntervalMs ?? 10_000,
    defaults: { ...options.defaults, tenant_id: options.tenantId ?? options.defaults?.tenant_id, source: options.source ?? options.defaults?.source },
    runtime: { ...platformRuntime(), ...options.runtime },
  };
}

/** Root of the API's routes: on hosted Supabase the function `audit-api`, elsewhere beside the functions on the same port. */
export function auditApiUrl(options: { readonly url?: string; readonly apiUrl?: string }): string {
  const path = "/api/v1/audit";
  const root = trimmed(options.apiUrl ?? options.url ?? "");
  if (root.endsWith(path)) return root;
  const hosted = options.apiUrl === undefined &&
    /^https:\/\/[a-z0-9-]+\.supabase\.(co|in)$/i.test(root);
  return `${root}${hosted ? "/functions/v1/audit-api" : ""}${path}`;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

const wholeNumbers: readonly (readonly [keyof AuditClientOptions, min: number, max: number])[] = [
  ["queueSize", 1, 1e9],
  ["queueBytes", 1, 1e12],
  ["batchSize", 1, 1000],
  ["batchBytes", 1, 4 * 1024 * 1024 - 65_536],
  ["batchAgeMs", 0, 3_600_000],
  ["concurrency", 1, 64],
  ["edgeAbove", 0, 1e9],
  ["requestTimeoutMs", 1, 600_000],
  ["logTimeoutMs", 1, 86_400_000],
  ["backoffBaseMs", 1, 60_000],
  ["backoffCapMs", 1, 3_600_000],
  ["retryAfterCapMs", 0, 86_400_000],
  ["breakerFailures", 1, 1000],
  ["metricsIntervalMs", 10, 86_400_000],
];

function faultsOf(options: AuditClientOptions): string[] {
  const faults: string[] = [];
  for (const name of ["url", "apiUrl"] as const) {
    const value = options[name];
    if (value === undefined ? name === "url" : !/^https?:\/\/[^\s/]/.test(value)) faults.push(`${name}: must be an http or https URL`);
  }
  if (options.apiKey === undefined && options.getToken === undefined) {
    faults.push("apiKey or getToken: one of them is needed");
  }
  for (const [name, min, max] of wholeNumbers) {
    const value = options[name] as number | undefined;
    if (
      value !== undefined &&
      !(Number.isInteger(value) && value >= min && value <= max)
    ) faults.push(`${name}: must be a whole number from ${min} to ${max}`);
  }
  if (options.whenFull === "spill" && options.spool === undefined) {
    faults.push("whenFull: spill needs a spool");
  }
  return faults;
}

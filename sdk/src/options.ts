import { door, type DoorName } from "./delivery/door.ts";
import type { DeliverySettings } from "./delivery/state.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import type { ExitOptions } from "./exit-environment.ts";
import { AuditConfigurationError } from "./errors.ts";
import type { EventContext, EventFault, EventInput } from "./event.ts";
import type { Credential } from "./http-door.ts";
import { layered } from "./make-event.ts";
import type { Runtime } from "./runtime.ts";
import type { Spool } from "./spool-session.ts";
import type { AuditStats } from "./stats.ts";

/** Something an operator should know; `kind` is stable. */
export type AuditWarning = {
  /**
   * `queue_filling` at 80 % of `queueSize` or `queueBytes`, `queue_full` at all of it, `credential` when the key or token is refused, `spool` when the disk
   * fails, `callback` when a function of yours threw.
   */
  readonly kind: "queue_filling" | "queue_full" | "credential" | "spool" | "callback";
  /** For people; it may change. */
  readonly message: string;
  /** What was thrown, when something was. */
  readonly cause?: unknown;
};

/** Everything a client can be told. `url` and a credential are needed; the rest has a default. */
export type AuditClientOptions = {
  /** Root of the Supabase project; else `AUDIT_URL` or `SUPABASE_URL`. */
  readonly url?: string | undefined;
  /** Root of the API service when it is elsewhere; else `AUDIT_API_URL`. */
  readonly apiUrl?: string | undefined;
  /** `aud_…`, or on a server `sb_secret_…`; else `AUDIT_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** The current user's access token; asked before every request, with `refresh` after the server refused the last one. */
  readonly getToken?: Credential["getToken"];
  /** `tenant_id` of events that name none; needed when the credential is good for several tenants. */
  readonly tenantId?: string | undefined;
  /** `source` of events that name none: the application that they come from. */
  readonly source?: string | undefined;
  /** More fields of that kind. */
  readonly defaults?: EventContext;
  /** False: nothing is logged, `auditOperation` still runs its function. `AUDIT_LOGGING_ENABLED`, true. */
  readonly enabled?: boolean | undefined;
  /** False: every event is a request of its own, and `auditOperation` waits for it. `AUDIT_LOGGING_ASYNC`, true. */
  readonly async?: boolean | undefined;
  /** Events in memory, also those on their way. `AUDIT_LOGGING_QUEUE_SIZE`, 1000. */
  readonly queueSize?: number | undefined;
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
  readonly spool?: Spool | undefined;
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
  /** Names whose values are replaced by "[redacted]" wherever they stand in an event. */
  readonly redact?: readonly string[];
  /** Stamped on every event with a counter from 1; a random UUID. Never the same for two clients alive. */
  readonly producerId?: string;
  /** Recompute every leaf hash the server returns; another one rejects with `receipt_mismatch`. Default: false. */
  readonly verifyReceipts?: boolean;
  /** In a page: send with `keepalive` when it is hidden; true. */
  readonly keepalive?: boolean;
  /** Keeps an edge worker alive until the promise is settled; `EdgeRuntime.waitUntil` where there is one. */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /** Node, Deno, Bun: close at SIGTERM, SIGINT and `beforeExit`. Default: false. */
  readonly closeOnExit?: boolean | ExitOptions;
  /** Called for each event that the server will not store, with the reason. */
  readonly onRejected?: (event: EventInput, fault: EventFault) => void;
  /** Called with what an operator should know. Default: `console.warn`. */
  readonly onWarning?: (warning: AuditWarning) => void;
  /** Called with `stats()`, while there is something to report. */
  readonly onMetrics?: (stats: AuditStats) => void;
  /** How often `onMetrics` is called while there is something to report; 10 s. */
  readonly metricsIntervalMs?: number;
  /** Variables by name. Default: the environment of the process, where there is one. */
  readonly environment?: Environment;
  /** Parts of the platform to replace: clock, timers, randomness, fetch. */
  readonly runtime?: Partial<Runtime>;
};

/** Every numeric option: its default, its least value if that is not 1 and, where there is one, its greatest. */
const numbers: Readonly<Record<NumberName, readonly [fallback: number, min?: number, max?: number]>> = {
  queueSize: [1000],
  queueBytes: [2 ** 24],
  batchSize: [500, 1, 1000],
  batchBytes: [2 ** 20, 1, 2 ** 22 - 2 ** 16],
  batchAgeMs: [250, 0],
  concurrency: [4, 1, 64],
  edgeAbove: [50, 0],
  requestTimeoutMs: [30_000],
  logTimeoutMs: [30_000],
  backoffBaseMs: [250],
  backoffCapMs: [30_000],
  retryAfterCapMs: [300_000, 0],
  breakerFailures: [5],
  metricsIntervalMs: [10_000, 10],
};

type NumberName = keyof DeliverySettings | "requestTimeoutMs" | "logTimeoutMs" | "retryAfterCapMs" | "metricsIntervalMs";

/** Options with every default in place. */
export type Settings = ReturnType<typeof readOptions>;

/** Reads options and environment; throws AuditConfigurationError that names every fault at once. */
export function readOptions(given: AuditClientOptions) {
  const faults: string[] = [];
  const onWarning = ({ message, cause }: AuditWarning) => console.warn("audit-events:", message, cause ?? "");
  const { EdgeRuntime: edge } = globalThis as { readonly EdgeRuntime?: { readonly waitUntil: (promise: Promise<unknown>) => void } };
  const fallbacks = { enabled: true, async: true, onWarning, waitUntil: edge?.waitUntil.bind(edge) };
  const options: AuditClientOptions = layered({ ...fallbacks, ...readEnvironment(given.environment) }, given);
  const values = {} as Record<NumberName, number>;
  for (const key in numbers) {
    const name = key as NumberName;
    const [fallback, min = 1, max = 1e12] = numbers[name];
    const value = values[name] = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < min || value > max) faults.push(`${name}: must be a whole number from ${min} to ${max}`);
  }
  const { url, apiUrl, apiKey, getToken, spool, whenFull = spool ? "spill" : "drop" } = options;
  if (![url, apiUrl ?? url].every((each) => /^https?:\/\/[^\s/]/.test(each as string))) faults.push("url: must be http or https");
  if (!apiKey && !getToken) faults.push("apiKey or getToken: is needed");
  if (whenFull === "spill" && !spool) faults.push("spool: is needed to spill");
  if (options.enabled && faults[0]) throw new AuditConfigurationError(`create audit client: ${faults.join("; ")}`);
  const doors = [door("edge", `${withoutSlash(url)}/functions/v1/audit-logger`), door("api", `${auditApiUrl(options)}/events`)];
  return {
    options,
    whenFull,
    ...values,
    ...options.async ? {} : { batchSize: 1, batchAgeMs: 0 },
    doors: doors.filter(({ name }) => [name, "both"].includes(options.doors ?? name)),
  };
}

/** Root of the API's routes: on hosted Supabase the function `audit-api`, elsewhere beside the functions on the same port. */
export function auditApiUrl({ url, apiUrl }: { readonly url?: string | undefined; readonly apiUrl?: string | undefined }): string {
  const path = "/api/v1/audit";
  const root = withoutSlash(apiUrl ?? url);
  const hosted = !apiUrl && /\.supabase\.(co|in)$/i.test(root) ? "/functions/v1/audit-api" : "";
  return root.endsWith(path) ? root : root + hosted + path;
}

function withoutSlash(url = ""): string {
  return url.replace(/\/+$/, "");
}

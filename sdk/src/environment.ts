import { AuditConfigurationError } from "./errors.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment may say about a client. */
export type EnvironmentSettings = {
  readonly url?: string;
  readonly apiUrl?: string;
  readonly apiKey?: string;
  readonly enabled?: boolean;
  readonly async?: boolean;
  readonly queueSize?: number;
};

/** The parts of Node's `process` used here; Deno and Bun have them too, browsers and some edge workers have none. */
type ProcessLike = {
  readonly env?: Environment;
  readonly pid?: number;
  readonly on?: (event: string, listener: () => void) => unknown;
  readonly off?: (event: string, listener: () => void) => unknown;
  readonly listenerCount?: (event: string) => number;
  readonly kill?: (pid: number, signal: string) => unknown;
};

function processLike(): ProcessLike | undefined {
  return (globalThis as { readonly process?: ProcessLike }).process;
}

const names = [
  "AUDIT_LOGGING_ENABLED",
  "AUDIT_LOGGING_ASYNC",
  "AUDIT_LOGGING_QUEUE_SIZE",
  "AUDIT_URL",
  "SUPABASE_URL",
  "AUDIT_API_URL",
  "AUDIT_API_KEY",
] as const;

/** The variables of this process that concern a client: nothing where there is no environment or no permission to read it. */
export function processEnvironment(): Environment {
  const found: Record<string, string | undefined> = {};
  for (const name of names) {
    try {
      found[name] = processLike()?.env?.[name];
    } catch {
      // Deno without --allow-env.
    }
  }
  return found;
}

/** The settings in `environment`; throws AuditConfigurationError that names every variable it cannot read. */
export function readEnvironment(environment: Environment): EnvironmentSettings {
  const faults: string[] = [];
  const flag = (name: string): { value?: boolean } => {
    const text = environment[name]?.trim().toLowerCase() ?? "";
    if (["true", "1", "yes", "on"].includes(text)) return { value: true };
    if (["false", "0", "no", "off"].includes(text)) return { value: false };
    if (text !== "") faults.push(`${name}: must be true or false`);
    return {};
  };
  const [enabled, async] = [flag("AUDIT_LOGGING_ENABLED").value, flag("AUDIT_LOGGING_ASYNC").value];
  const size = environment["AUDIT_LOGGING_QUEUE_SIZE"]?.trim() ?? "";
  if (size !== "" && !/^[1-9]\d{0,8}$/.test(size)) {
    faults.push("AUDIT_LOGGING_QUEUE_SIZE: must be a whole number above 0");
  }
  if (faults.length > 0) {
    throw new AuditConfigurationError(`read environment: ${faults.join("; ")}`);
  }
  const url = environment["AUDIT_URL"] || environment["SUPABASE_URL"];
  const apiUrl = environment["AUDIT_API_URL"];
  const apiKey = environment["AUDIT_API_KEY"];
  return {
    ...(url ? { url } : {}),
    ...(apiUrl ? { apiUrl } : {}),
    ...(apiKey ? { apiKey } : {}),
    ...(enabled === undefined ? {} : { enabled }),
    ...(async === undefined ? {} : { async }),
    ...(size === "" ? {} : { queueSize: Number(size) }),
  };
}

export type ExitOptions = {
  /** SIGTERM and SIGINT unless told otherwise. */
  readonly signals?: readonly string[];
  /** How long the events may take; 10 s. */
  readonly timeoutMs?: number;
};

/**
 * Calls `close` when the process is told to stop, or has nothing left to do. After a signal it ends the process by that same signal, unless the
 * application listens for it as well: then the application decides. A second signal does not wait. Returns how to take the hooks off again.
 */
export function closeOnExit(close: (timeoutMs: number) => Promise<unknown>, options: ExitOptions = {}): () => void {
  const host = processLike();
  const { signals = ["SIGTERM", "SIGINT"], timeoutMs = 10_000 } = options;
  const listeners = new Map<string, () => void>();
  const off = () => listeners.forEach((listener, event) => host?.off?.(event, listener));
  for (const signal of signals) {
    let asked = false;
    const end = () => {
      off();
      if ((host?.listenerCount?.(signal) ?? 0) === 0 && host?.pid !== undefined) host.kill?.(host.pid, signal);
    };
    listeners.set(signal, () => {
      if (asked) return end();
      asked = true;
      close(timeoutMs).then(end, end);
    });
  }
  listeners.set("beforeExit", () => void close(timeoutMs).then(off, off));
  listeners.forEach((listener, event) => host?.on?.(event, listener));
  return off;
}

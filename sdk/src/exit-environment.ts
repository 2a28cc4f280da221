export type ExitOptions = {
  /** SIGTERM and SIGINT unless told otherwise. */
  readonly signals?: readonly string[];
  /** How long the events may take; 10 s. */
  readonly timeoutMs?: number;
};

/** The parts of Node's `process` used here, which Deno and Bun have too. */
type ProcessLike = {
  readonly pid: number;
  readonly on: (event: string, listener: () => void) => unknown;
  readonly off: (event: string, listener: () => void) => unknown;
  readonly listenerCount: (event: string) => number;
  readonly kill: (pid: number, signal: string) => unknown;
};

/**
 * Calls `close` when the process is told to stop, or has nothing left to do. After a signal it ends the process by that same signal, unless the
 * application listens for it as well: then the application decides. A second signal does not wait. Returns how to take the hooks off again.
 */
export function closeOnExit(close: (timeoutMs: number) => Promise<unknown>, options: ExitOptions = {}): () => void {
  const { process } = globalThis as unknown as { readonly process: ProcessLike };
  const { signals = ["SIGTERM", "SIGINT"], timeoutMs = 10_000 } = options;
  const listeners = new Map<string, () => void>();
  const off = () => listeners.forEach((listener, event) => process.off(event, listener));
  for (const signal of signals) {
    let isAsked = false;
    const end = () => {
      off();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    listeners.set(signal, () => {
      if (isAsked) return end();
      isAsked = true;
      close(timeoutMs).then(end, end);
    });
  }
  listeners.set("beforeExit", () => void close(timeoutMs).then(off, off));
  listeners.forEach((listener, event) => process.on(event, listener));
  return off;
}

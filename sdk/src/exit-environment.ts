/** When and how long to close as the process ends. */
export type ExitOptions = {
  /** SIGTERM and SIGINT unless told otherwise. */
  readonly signals?: readonly string[];
  /** How long the events may take; 10 s. */
  readonly timeoutMs?: number;
};

/** The parts of Node's `process` used here, which Deno and Bun have too. */
type ProcessLike = {
  readonly pid: number;
  readonly on: (event: string, listener: () => unknown) => unknown;
  readonly off: (event: string, listener: () => unknown) => unknown;
  readonly listenerCount: (event: string) => number;
  readonly kill: (pid: number, signal: string) => unknown;
  readonly exit: (code: number) => unknown;
};

/**
 * Calls `close` when the process is told to stop, or has nothing left to do; never where there is no process, as in a browser. After a signal it ends the process by that same signal, unless the
 * application listens for it as well: then the application decides. A second signal does not wait. Returns how to take the hooks off again.
 */
export function closeOnExit(close: (timeoutMs: number) => Promise<unknown>, { signals = ["SIGTERM", "SIGINT"], timeoutMs = 10_000 }: ExitOptions): () => void {
  const { process } = globalThis as unknown as { readonly process?: ProcessLike };
  let isAsked = false;
  const hooks = process && [...signals, "beforeExit"].map((event) => {
    const listener = async () => {
      if (!isAsked) {
        isAsked = true;
        await close(timeoutMs);
      }
      off();
      if (event === "beforeExit" || process.listenerCount(event)) return;
      try {
        process.kill(process.pid, event);
      } finally {
        // Still here: the kernel spares the first process of a container, and Deno kills none without --allow-run. What a shell says of one that SIGTERM ended.
        process.exit(143);
      }
    };
    process.on(event, listener);
    return () => process.off(event, listener);
  });
  const off = () => hooks?.forEach((unhook) => unhook());
  return off;
}

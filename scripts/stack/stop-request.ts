import { birthOf, parentOf } from "./process-record.ts";

/** Why the stack is to stop. */
export type StopReason = "Ctrl-C" | "SIGTERM" | "terminal closed" | "npm ended";

const signals = { SIGINT: "Ctrl-C", SIGTERM: "SIGTERM", SIGHUP: "terminal closed" } as const;

/**
 * Resolves when somebody wants the stack to stop. A second signal does not wait for the first to take effect: it ends the process at once, and
 * what it started is then killed on the way out.
 */
export function stopRequest(): Promise<StopReason> {
  return new Promise((resolve) => {
    let askedAt: number | undefined;
    for (const [signal, reason] of Object.entries(signals)) {
      process.on(signal, () => {
        // npm passes on a Ctrl-C that the terminal has sent us already: the two arrive within milliseconds.
        if (askedAt !== undefined && performance.now() - askedAt > 500) process.exit(130);
        askedAt ??= performance.now();
        resolve(reason);
      });
    }
    watchParent(() => resolve("npm ended"));
  });
}

/**
 * `kill -9` of npm says nothing to us: notice that it has gone, so that killing what was started stops it. On Linux npm may be the parent of the
 * shell that is our parent; elsewhere our own parent has to do.
 */
function watchParent(gone: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const npm = parentOf(parent) ?? parent;
  const birth = process.platform === "linux" ? birthOf(npm) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (birth === undefined || birthOf(npm) === birth)) return;
    clearInterval(timer);
    gone();
  }, 500);
  timer.unref();
}

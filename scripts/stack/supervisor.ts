/** A running part of the stack. */
export type Part = { readonly pid: number; readonly ended: Promise<void>; stop(): Promise<void> };

export type Supervisor<P extends Part> = {
  readonly name: string;
  /** The part as it runs now; undefined while it is down. */
  current(): P | undefined;
  /**
   * Starts another in the place of the part that runs, and stops that one once `drained` says so. Throws when the other cannot start: then the one that
   * runs goes on. While the part is down nothing is replaced; what comes up is new anyway.
   */
  replace(drained: (part: P) => Promise<void>): Promise<void>;
  /** Stops the part for good. */
  stop(): Promise<void>;
};

const firstDelayMs = 200;
const longestDelayMs = 10_000;
/** A part that lived this long is not failing at start: its next restart is quick again. */
const healthyMs = 30_000;

/**
 * Keeps a part running: starts it, and starts it again when it ends, after 0.2 s and twice as long each time up to 10 s. Throws if the first
 * start fails: then something is wrong that a person must see. `report` gets one line for each end, which names the part's log, and each recovery.
 */
export async function supervise<P extends Part>(
  name: string,
  start: () => Promise<P>,
  report: (line: string) => void,
  logFile: string,
): Promise<Supervisor<P>> {
  const stopping = new AbortController();
  let part: P | undefined = await start();
  let replaced = Promise.withResolvers<void>();
  let replacing: Promise<void> = Promise.resolve();
  const watching = watch();

  async function watch(): Promise<void> {
    let delayMs = firstDelayMs;
    while (part !== undefined) {
      const startedAt = performance.now();
      const watched: P = part;
      await Promise.race([watched.ended, replaced.promise]);
      if (part !== watched) continue;
      part = undefined;
      if (stopping.signal.aborted) return;
      if (performance.now() - startedAt > healthyMs) delayMs = firstDelayMs;
      report(`${name} ended; starting it again (log: ${logFile})`);
      [part, delayMs] = await startAgain(start, report, delayMs, stopping.signal);
      if (stopping.signal.aborted) return await part?.stop();
      if (part !== undefined) report(`${name} runs again`);
    }
  }

  async function replaceNow(drained: (part: P) => Promise<void>): Promise<void> {
    const old = part;
    if (old === undefined || stopping.signal.aborted) return;
    const next = await start();
    if (part !== old || stopping.signal.aborted) return await next.stop();
    part = next;
    replaced.resolve();
    replaced = Promise.withResolvers();
    await drained(old);
    await old.stop();
  }

  return {
    name,
    current: () => part,
    replace(drained) {
      const mine = replacing.then(() => replaceNow(drained));
      replacing = mine.catch(() => undefined);
      return mine;
    },
    async stop() {
      stopping.abort();
      // A start that is under way is waited for: stopping around it would leave its process behind.
      await part?.stop();
      await replacing;
      await watching;
    },
  };
}

/**
 * A part that started, and the delay before the next try should it end at once; no part when `signal` fires first. Each complaint is reported once: the
 * same one every few seconds would bury everything else.
 */
async function startAgain<P extends Part>(
  start: () => Promise<P>,
  report: (line: string) => void,
  beginMs: number,
  signal: AbortSignal,
): Promise<[P | undefined, number]> {
  let delayMs = beginMs;
  let complaint = "";
  while (!signal.aborted) {
    await pause(delayMs, signal);
    delayMs = Math.min(delayMs * 2, longestDelayMs);
    if (signal.aborted) break;
    try {
      return [await start(), delayMs];
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== complaint) report(text);
      complaint = text;
    }
  }
  return [undefined, delayMs];
}

/** Resolves after `ms`, or as soon as `signal` fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

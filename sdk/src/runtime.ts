/** Everything a client takes from the world around it; tests and the simulation pass their own. */
export type Runtime = {
  /** Milliseconds since 1970: what events are stamped with. */
  readonly now: () => number;
  /** Milliseconds that never go back: what waiting is measured with, so that a clock set wrong delays nothing. */
  readonly monotonic: () => number;
  /** A number in [0, 1): jitter. */
  readonly random: () => number;
  /** A random UUID of version 4. */
  readonly randomUuid: () => string;
  /** Calls back once, after `delayMs`. `keepAlive` false: the timer alone does not keep a process running. */
  readonly setTimer: (callback: () => void, delayMs: number, keepAlive: boolean) => unknown;
  /** Ends a timer that `setTimer` returned; harmless when it has fired. */
  readonly clearTimer: (timer: unknown) => void;
  /** The Fetch standard's, with a URL in text. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
};

type DenoLike = { readonly Deno?: { readonly unrefTimer: (timer: unknown) => void } };

/** The platform's clock, timers, randomness and fetch: the same web standards on Node, Deno, Bun, browsers and edge workers. */
export const platformRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  randomUuid: () => crypto.randomUUID(),
  setTimer: (callback, delayMs, keepAlive) => {
    const timer = setTimeout(callback, Math.min(delayMs, 0x7fff_ffff)) as number | { readonly unref?: () => unknown };
    // Node, Bun and today's Deno give an object with unref(). Deno of hosted Edge Functions gives a number, as browsers do, where no timer keeps anything alive.
    if (!keepAlive) (timer as { readonly unref?: () => unknown }).unref?.() ?? (globalThis as DenoLike).Deno?.unrefTimer(timer);
    return timer;
  },
  clearTimer: (timer) => clearTimeout(timer as number),
  fetch: (url, init) => fetch(url, init),
};

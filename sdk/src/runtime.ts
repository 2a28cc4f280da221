/** Everything a client takes from the world around it; tests and the simulation pass their own. */
export type Runtime = {
  /** Milliseconds since 1970: what events are stamped with. */
  readonly now: () => number;
  /** Milliseconds that never go back: what waiting is measured with, so that a clock set wrong delays nothing. */
  readonly monotonic: () => number;
  /** A number in [0, 1): jitter. */
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** `keepAlive` false: the timer alone does not keep a process running. */
  readonly setTimer: (callback: () => void, delayMs: number, keepAlive: boolean) => unknown;
  readonly clearTimer: (timer: unknown) => void;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
};

const poolBytes = 2048;

/** Random bytes from a pool: one call of the operating system serves a hundred ids. */
function pooledRandomBytes(): (length: number) => Uint8Array {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  return (length) => {
    if (used + length > poolBytes) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    used += length;
    return pool.subarray(used - length, used);
  };
}

/** The platform's clock, timers, randomness and fetch: the same web standards on Node, Deno, Bun, browsers and edge workers. */
export function platformRuntime(): Runtime {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    randomBytes: pooledRandomBytes(),
    setTimer: (callback, delayMs, keepAlive) => {
      const timer: unknown = setTimeout(callback, Math.min(delayMs, 0x7fff_ffff));
      // Node and Bun give an object with unref(), Deno a number and a function of its own: there the timer keeps the process alive.
      if (!keepAlive && typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function") timer.unref();
      return timer;
    },
    clearTimer: (timer) => clearTimeout(timer as number),
    fetch: (url, init) => fetch(url, init),
  };
}

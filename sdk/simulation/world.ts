import type { Runtime } from "../src/runtime.ts";

/** A reproducible source of choices: mulberry32, the same numbers for the same seed everywhere. */
export type Dice = {
  readonly random: () => number;
  /** A whole number from `min` to `max`, both included. */
  readonly between: (min: number, max: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T;
};

export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const random = () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  return {
    random,
    between,
    chance: (share) => random() < share,
    pick: (items) => items[between(0, items.length - 1)] as never,
  };
}

type Timer = {
  at: number;
  readonly order: number;
  readonly owner: object;
  readonly callback: () => void;
};

/** Virtual time: nothing happens but what was scheduled, in order, and time jumps from one to the next. */
export type World = {
  now: number;
  /** How far clocks on the wall are off: what is set right, or wrong, jumps for everybody, and no timer goes by it. */
  offMs: number;
  readonly dice: Dice;
  timers: Timer[];
  order: number;
  readonly dead: WeakSet<object>;
  /** Until when somebody sleeps, as a process does that was stopped or whose machine was suspended: then everything due happens at once. */
  readonly asleep: WeakMap<object, number>;
};

export function world(seed: number): World {
  return {
    now: 1_790_000_000_000,
    offMs: 0,
    dice: dice(seed),
    timers: [],
    order: 0,
    dead: new WeakSet(),
    asleep: new WeakMap(),
  };
}

/** Calls back after `delayMs` of virtual time, unless `owner` is dead by then. */
export function schedule(in_: World, owner: object, delayMs: number, callback: () => void): Timer {
  const timer = {
    at: in_.now + Math.max(0, delayMs),
    order: in_.order++,
    owner,
    callback,
  };
  in_.timers.push(timer);
  return timer;
}

/** Lets everything that waits on a promise go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Runs until `until` says so or virtual time `limitMs` is over; false in the latter case. Calls `check` after every step. */
export async function run(in_: World, limitMs: number, until: () => boolean, check: () => void = () => {}): Promise<boolean> {
  const end = in_.now + limitMs;
  await settle();
  while (!until()) {
    let next: Timer | undefined;
    for (const timer of in_.timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    if (next === undefined || next.at > end) return false;
    in_.timers.splice(in_.timers.indexOf(next), 1);
    in_.now = Math.max(in_.now, next.at);
    const wakesAt = in_.asleep.get(next.owner) ?? 0;
    if (wakesAt > in_.now) {
      next.at = wakesAt;
      in_.timers.push(next);
    } else if (!in_.dead.has(next.owner)) next.callback();
    await settle();
    check();
  }
  return true;
}

/** The runtime of one process of this world. Killing the process is adding `process` to `world.dead`. */
export function simulatedRuntime(in_: World, process: object, fetch: Runtime["fetch"]): Runtime {
  return {
    now: () => in_.now + in_.offMs,
    monotonic: () => in_.now,
    random: in_.dice.random,
    randomUuid: () => {
      const digits = Array.from({ length: 32 }, () => in_.dice.between(0, 15).toString(16)).join("");
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20)}`;
    },
    setTimer: (callback, delayMs) => schedule(in_, process, delayMs, callback),
    clearTimer: (timer) => {
      const index = in_.timers.indexOf(timer as Timer);
      if (index >= 0) in_.timers.splice(index, 1);
    },
    fetch,
  };
}

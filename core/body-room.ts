import { AuditError } from "./errors.ts";

/**
 * The bounds of a process's memory for bodies. `waitMs` is how long a body that has arrived may wait until it is worked on; one that has been
 * arriving for `slowMs` gives way when others need its room.
 */
export type RoomLimits = {
  readonly heldBytesMax: number;
  readonly atWorkBytesMax: number;
  readonly perRequestBytes: number;
  readonly waitMs: number;
  readonly slowMs: number;
};

/** The room that one request takes. */
export type Lease = {
  /** Takes room for so many bytes that have arrived. Throws `unavailable` when the process holds too many already. */
  readonly grow: (bytes: number) => void;
  /** Aborted with `unavailable` when the body took too long to arrive and its room was given to others. */
  readonly lost: AbortSignal;
  /** Resolves when the request may be worked on, first come, first served. Throws `unavailable` when its turn does not come in time. */
  readonly turn: () => Promise<void>;
  /** Gives everything back; again it does nothing. */
  readonly release: () => void;
};

/**
 * Room for bodies in one process. A parsed, hashed and encoded batch takes some ten times the memory of its body, and an Edge Function that reaches
 * 256 MB is ended with every request in it: so few bytes are worked on at a time, more may wait unparsed, and beyond that a caller is told to retry.
 * Nobody waits for room while his body arrives: two half-read bodies would wait for each other. Four stalled bodies would fill the room for all
 * tenants until they time out, so slow ones give way.
 */
export function bodyRoom(limits: RoomLimits): { readonly open: () => Lease } {
  let heldBytes = 0;
  let atWorkBytes = 0;
  const waiting: Waiter[] = [];
  const slow = new Set<() => void>();

  function admit(): void {
    for (let next = waiting[0]; next !== undefined && (atWorkBytes === 0 || atWorkBytes + next.bytes <= limits.atWorkBytesMax); next = waiting[0]) {
      waiting.shift();
      atWorkBytes += next.bytes;
      next.start();
    }
  }

  function take(bytes: number, self: () => void): void {
    for (const giveWay of slow) {
      if (heldBytes + bytes > limits.heldBytesMax && giveWay !== self) giveWay();
    }
    if (heldBytes + bytes > limits.heldBytesMax) throw full();
    heldBytes += bytes;
  }

  function open(): Lease {
    let [held, atWork] = [0, 0];
    let arriving: ReturnType<typeof setTimeout> | undefined;
    const losing = new AbortController();
    const giveWay = () => {
      release();
      losing.abort(full());
    };
    const arrived = () => {
      clearTimeout(arriving);
      slow.delete(giveWay);
    };
    const grow = (bytes: number) => {
      losing.signal.throwIfAborted();
      const more = held === 0 ? bytes + limits.perRequestBytes : bytes;
      take(more, giveWay);
      held += more;
      arriving ??= setTimeout(() => slow.add(giveWay), limits.slowMs);
    };
    const turn = () =>
      new Promise<void>((resolve, reject) => {
        losing.signal.throwIfAborted();
        arrived();
        const waiter: Waiter = {
          bytes: held,
          start: () => {
            clearTimeout(timer);
            atWork = waiter.bytes;
            resolve();
          },
        };
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(full());
          admit();
        }, limits.waitMs);
        waiting.push(waiter);
        admit();
      });
    const release = () => {
      arrived();
      heldBytes -= held;
      atWorkBytes -= atWork;
      [held, atWork] = [0, 0];
      admit();
    };
    return { grow, lost: losing.signal, turn, release };
  }

  return { open };
}

type Waiter = { readonly bytes: number; readonly start: () => void };

function full(): AuditError {
  return new AuditError("unavailable", "read body: too many are being worked on; send the request again", { retryAfterSeconds: 1 });
}

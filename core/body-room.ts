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

/** Whose a body is: room is shared out among tenants, and a tenant's among its principals. */
export type Holder = { readonly tenant: string; readonly principal: string };

/** The room that one request takes. */
export type Lease = {
  /** Takes a request's own room, in its caller's name. Throws `unavailable` like `grow`. */
  readonly enter: (holder: Holder) => void;
  /** Takes room for so many bytes that have arrived. Throws `unavailable` when the process holds too many already. */
  readonly grow: (bytes: number) => void;
  /** Aborted with `unavailable` when its room was given to others: the body took too long, or its caller had more than they. */
  readonly lost: AbortSignal;
  /** Resolves when the request may be worked on, first come, first served. Throws `unavailable` when its turn does not come in time. */
  readonly turn: () => Promise<void>;
  /** Gives everything back; again it does nothing. */
  readonly release: () => void;
};

/** A body in the room. Only at work it cannot be sent away any more. */
type Held = {
  readonly holder: Holder;
  bytes: number;
  state: "arriving" | "slow" | "waiting" | "at work";
  readonly giveWay: () => void;
};

/**
 * Room for bodies in one process. A parsed, hashed and encoded batch takes some ten times the memory of its body, and an Edge Function that reaches
 * 256 MB is ended with every request in it: so few bytes are worked on at a time, more may wait unparsed, and beyond that a caller is told to retry.
 * Nobody waits for room while his body arrives: two half-read bodies would wait for each other. Stalled bodies would fill the room for all until they
 * time out, so slow ones give way; and so does, to whoever has less, the newest body of the one who has most: nobody fills the room for others, however
 * many bodies he begins, and everybody may have all of it while nobody else asks.
 */
export function bodyRoom(limits: RoomLimits): { readonly open: () => Lease } {
  const room: Room = { limits, heldBytes: 0, atWorkBytes: 0, waiting: [], inside: new Set() };
  return { open: () => openLease(room) };
}

type Room = { readonly limits: RoomLimits; heldBytes: number; atWorkBytes: number; readonly waiting: Waiter[]; readonly inside: Set<Held> };

function openLease(room: Room): Lease {
  let held: Held | undefined;
  let arriving: ReturnType<typeof setTimeout> | undefined;
  const losing = new AbortController();
  // Out of the queue first: what is released lets the next one in, and that must not be this one.
  const giveWay = () => {
    losing.abort(full());
    release();
  };
  const enter = (holder: Holder) => {
    const entering: Held = { holder, bytes: 0, state: "arriving", giveWay };
    take(room, room.limits.perRequestBytes, entering);
    room.inside.add(held = entering);
    arriving = setTimeout(() => void (entering.state = "slow"), room.limits.slowMs);
  };
  const grow = (bytes: number) => {
    losing.signal.throwIfAborted();
    take(room, bytes, entered(held));
  };
  const turn = () => {
    clearTimeout(arriving);
    return turnOf(room, entered(held), losing.signal);
  };
  const release = () => {
    clearTimeout(arriving);
    if (held === undefined || !room.inside.delete(held)) return;
    room.heldBytes -= held.bytes;
    if (held.state === "at work") room.atWorkBytes -= held.bytes;
    admit(room);
  };
  return { enter, grow, lost: losing.signal, turn, release };
}

function take(room: Room, bytes: number, self: Held): void {
  while (room.heldBytes + bytes > room.limits.heldBytesMax) {
    const other = givingWay(room.inside, self, bytes);
    if (other === undefined) throw full();
    other.giveWay();
  }
  room.heldBytes += bytes;
  self.bytes += bytes;
}

/** Lets in whoever is next, as long as there is room to work; one that is larger than that is let in alone. */
function admit(room: Room): void {
  const fits = ({ bytes }: Waiter) => room.atWorkBytes === 0 || room.atWorkBytes + bytes <= room.limits.atWorkBytesMax;
  for (let [next] = room.waiting; next !== undefined && fits(next); [next] = room.waiting) {
    room.waiting.shift();
    room.atWorkBytes += next.bytes;
    next.start();
  }
}

function turnOf(room: Room, body: Held, lost: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    lost.throwIfAborted();
    body.state = "waiting";
    const start = () => {
      clearTimeout(timer);
      body.state = "at work";
      resolve();
    };
    const waiter: Waiter = { bytes: body.bytes, start };
    const leave = (reason: unknown) => {
      clearTimeout(timer);
      const place = room.waiting.indexOf(waiter);
      if (place === -1) return;
      room.waiting.splice(place, 1);
      reject(reason);
      admit(room);
    };
    const timer = setTimeout(() => leave(full()), room.limits.waitMs);
    lost.addEventListener("abort", () => leave(lost.reason));
    room.waiting.push(waiter);
    admit(room);
  });
}

type Waiter = { readonly bytes: number; readonly start: () => void };

/**
 * The body that gives way when `self` needs so many bytes more: a slow one, else the newest of the principal who holds most in the tenant that holds most.
 * Undefined when nobody would still have had more than `self` then has: two who have the same must not send each other away for ever.
 */
function givingWay(inside: Iterable<Held>, self: Held, bytes: number): Held | undefined {
  const totals = new Map<string, number>();
  const add = (name: string, more: number) => totals.set(name, (totals.get(name) ?? 0) + more);
  for (const { holder, bytes: held } of inside) [tenantName(holder), principalName(holder)].forEach((name) => add(name, held));
  const total = (name: string) => totals.get(name) ?? 0;
  const hasMore = ({ holder }: Held) => {
    const name = holder.tenant === self.holder.tenant ? principalName : tenantName;
    return total(name(holder)) > total(name(self.holder)) + bytes;
  };
  let most: Held | undefined;
  for (const other of inside) {
    if (other === self || other.state === "at work") continue;
    if (other.state === "slow") return other;
    if (hasMore(other) && (most === undefined || compare(other, most) >= 0)) most = other;
  }
  return most;

  function compare({ holder: one }: Held, { holder: other }: Held): number {
    return total(tenantName(one)) - total(tenantName(other)) || total(principalName(one)) - total(principalName(other));
  }
}

function tenantName({ tenant }: Holder): string {
  return tenant;
}

function principalName({ tenant, principal }: Holder): string {
  return `${tenant} ${principal}`;
}

function entered(held: Held | undefined): Held {
  if (held === undefined) throw new Error("take room: nobody has entered");
  return held;
}

function full(): AuditError {
  return new AuditError("unavailable", "read body: too many are being worked on; send the request again", { retryAfterSeconds: 1 });
}

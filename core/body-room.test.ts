import { describe, expect, it, vi } from "vitest";
import { bodyRoom, type Lease } from "./body-room.ts";

const limits = { heldBytesMax: 100, atWorkBytesMax: 20, perRequestBytes: 0, waitMs: 50, slowMs: 10 };

type Room = ReturnType<typeof bodyRoom>;

function enter(room: Room, name = "t a"): Lease {
  const [tenant = "", principal = ""] = name.split(" ");
  const lease = room.open();
  lease.enter({ tenant, principal });
  return lease;
}

function arriving(room: Room, name: string, bytes: number): Lease {
  const lease = enter(room, name);
  lease.grow(bytes);
  return lease;
}

const isLost = (lease: Lease | undefined) => lease?.lost.aborted;

describe("bodyRoom()", () => {
  it("lets so many bytes be worked on at a time, in the order in which they came", async () => {
    const room = bodyRoom(limits);
    const order: number[] = [];
    const leases = [15, 10, 5, 5].map((bytes, index) => {
      const lease = enter(room);
      lease.grow(bytes);
      void lease.turn().then(() => order.push(index));
      return lease;
    });
    await Promise.resolve();
    expect(order).toEqual([0]);
    leases[0]?.release();
    await Promise.resolve();
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it("refuses bytes beyond its room at once, and has it again when a lease is released, twice or once", () => {
    const room = bodyRoom(limits);
    const [first, second] = [enter(room), enter(room)];
    first.grow(60);
    second.grow(40);
    expect(() => second.grow(1)).toThrow(expect.objectContaining({ code: "unavailable", retryAfterSeconds: 1 }));
    first.release();
    first.release();
    expect(() => second.grow(60)).not.toThrow();
    expect(() => enter(room).grow(1)).toThrow();
  });

  it("takes the room of a body that arrives slowly when another one needs it, and not before, nor once it has arrived", async () => {
    vi.useFakeTimers();
    try {
      const room = bodyRoom(limits);
      const [slow, whole, next] = [enter(room), enter(room), enter(room)];
      whole.grow(20);
      await whole.turn();
      slow.grow(80);
      expect(() => next.grow(50)).toThrow();
      expect(slow.lost.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(11);
      next.grow(50);
      expect(slow.lost.reason).toMatchObject({ code: "unavailable" });
      expect(() => slow.grow(1)).toThrow(expect.objectContaining({ code: "unavailable" }));
      slow.release();
      expect(() => next.grow(31)).toThrow();
      expect([whole.lost.aborted, next.lost.aborted]).toEqual([false, false]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("counts an empty body too", () => {
    const room = bodyRoom({ ...limits, perRequestBytes: 50 });
    enter(room);
    enter(room);
    expect(() => enter(room)).toThrow();
  });

  it("works on a body that is larger than what may be worked on, alone", async () => {
    const room = bodyRoom(limits);
    const lease = enter(room);
    lease.grow(90);
    await lease.turn();
  });

  it("refuses a body whose turn does not come in time, and does not give it room afterwards", async () => {
    vi.useFakeTimers();
    try {
      const room = bodyRoom(limits);
      const [first, second, third] = [enter(room), enter(room), enter(room)];
      for (const lease of [first, second, third]) lease.grow(20);
      await first.turn();
      const late = expect(second.turn()).rejects.toMatchObject({ code: "unavailable" });
      await vi.advanceTimersByTimeAsync(51);
      await late;
      second.release();
      let isThird = false;
      void third.turn().then(() => isThird = true);
      first.release();
      await Promise.resolve();
      expect(isThird).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("bodyRoom(), shared out", () => {
  it("lets one caller have it all, and takes his newest body when another one comes", () => {
    const room = bodyRoom(limits);
    const many = Array.from({ length: 10 }, () => arriving(room, "t a", 10));
    const other = arriving(room, "u b", 15);
    expect(many.map(isLost)).toEqual([...Array(8).fill(false), true, true]);
    expect(other.lost.aborted).toBe(false);
    expect(() => many[9]?.grow(1)).toThrow(expect.objectContaining({ code: "unavailable" }));
  });

  it("does not let him who has more, or as much, send others away", () => {
    const room = bodyRoom(limits);
    const [one, other] = [arriving(room, "t a", 50), arriving(room, "u b", 50)];
    expect(() => other.grow(1)).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(() => one.grow(1)).toThrow();
    expect(() => arriving(room, "t a", 1)).toThrow();
    expect([one, other].map(isLost)).toEqual([false, false]);
  });

  it("counts a tenant's principals together against other tenants, and apart among themselves", () => {
    const room = bodyRoom(limits);
    const leases = ["t a", "t b", "t c", "t c", "u d"].map((name) => arriving(room, name, 20));
    arriving(room, "u e", 5);
    expect(leases.map(isLost)).toEqual([false, false, false, true, false]);
    const shared = bodyRoom(limits);
    const [many, few] = [[60, 20].map((bytes) => arriving(shared, "t a", bytes)), arriving(shared, "t b", 20)];
    few.grow(15);
    expect([...many, few].map(isLost)).toEqual([false, true, false]);
  });

  it("sends away a body that waits to be worked on, whose turn then never comes, but none that is worked on", async () => {
    const room = bodyRoom(limits);
    const leases = [20, 40, 40].map((bytes) => arriving(room, "t a", bytes));
    const [first, second, third] = leases.map((lease) => lease.turn());
    await first;
    const refused = expect(third).rejects.toMatchObject({ code: "unavailable" });
    const other = arriving(room, "u b", 10);
    await refused;
    leases[2]?.release();
    leases[0]?.release();
    await second;
    leases[1]?.release();
    other.release();
    // All of it is there again.
    arriving(room, "t a", 100);
    expect(() => arriving(room, "t a", 1)).toThrow();
    const busy = bodyRoom(limits);
    const atWork = arriving(busy, "t a", 100);
    await atWork.turn();
    expect(() => arriving(busy, "u b", 1)).toThrow();
    expect(atWork.lost.aborted).toBe(false);
  });
});

import { describe, expect, it, vi } from "vitest";
import { bodyRoom } from "./body-room.ts";

const limits = { heldBytesMax: 100, atWorkBytesMax: 20, perRequestBytes: 0, waitMs: 50, slowMs: 10 };

describe("bodyRoom()", () => {
  it("lets so many bytes be worked on at a time, in the order in which they came", async () => {
    const room = bodyRoom(limits);
    const order: number[] = [];
    const leases = [15, 10, 5, 5].map((bytes, index) => {
      const lease = room.open();
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
    const [first, second] = [room.open(), room.open()];
    first.grow(60);
    second.grow(40);
    expect(() => second.grow(1)).toThrow(expect.objectContaining({ code: "unavailable", retryAfterSeconds: 1 }));
    first.release();
    first.release();
    expect(() => second.grow(60)).not.toThrow();
    expect(() => room.open().grow(1)).toThrow();
  });

  it("takes the room of a body that arrives slowly when another one needs it, and not before, nor once it has arrived", async () => {
    vi.useFakeTimers();
    try {
      const room = bodyRoom(limits);
      const [slow, whole, next] = [room.open(), room.open(), room.open()];
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
    room.open().grow(0);
    room.open().grow(0);
    expect(() => room.open().grow(0)).toThrow();
  });

  it("works on a body that is larger than what may be worked on, alone", async () => {
    const room = bodyRoom(limits);
    const lease = room.open();
    lease.grow(90);
    await lease.turn();
  });

  it("refuses a body whose turn does not come in time, and does not give it room afterwards", async () => {
    vi.useFakeTimers();
    try {
      const room = bodyRoom(limits);
      const [first, second, third] = [room.open(), room.open(), room.open()];
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

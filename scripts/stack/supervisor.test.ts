import { describe, expect, it, vi } from "vitest";
import { type Part, supervise } from "./supervisor.ts";

/** A part that ends when it is told to, or stopped. */
function makePart(): Part & { end(): void; stopped: boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const part = {
    pid: 1,
    ended: promise,
    stopped: false,
    end: resolve,
    stop() {
      part.stopped = true;
      resolve();
      return promise;
    },
  };
  return part;
}

describe("supervise()", () => {
  it("throws when the first start fails", async () => {
    await expect(supervise("part", () => Promise.reject(new Error("no")), () => {}, "part.log")).rejects.toThrow("no");
  });

  it("starts a part again that ended, later after each failure, and says each thing once", async () => {
    vi.useFakeTimers();
    try {
      const first = makePart();
      const second = makePart();
      const lines: string[] = [];
      const starts: number[] = [];
      const outcomes = [() => first, failing, failing, failing, () => second];
      const supervisor = await supervise(
        "part",
        () => {
          starts.push(Date.now());
          return Promise.resolve().then(outcomes[starts.length - 1]);
        },
        (line) => lines.push(line),
        "part.log",
      );
      expect(supervisor.current()).toBe(first);
      first.end();
      await vi.advanceTimersByTimeAsync(0);
      expect(supervisor.current()).toBeUndefined();
      await vi.advanceTimersByTimeAsync(10_000);
      expect(supervisor.current()).toBe(second);
      expect(starts.slice(1).map((time, index) => time - (starts[index] as number))).toEqual([200, 400, 800, 1600]);
      expect(lines).toEqual(["part ended; starting it again (log: part.log)", "start part: port in use", "part runs again"]);
      await supervisor.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it("stops a part for good", async () => {
    const part = makePart();
    let starts = 0;
    const supervisor = await supervise(
      "part",
      () => {
        starts++;
        return Promise.resolve(part);
      },
      () => {},
      "part.log",
    );
    await supervisor.stop();
    expect(part.stopped).toBe(true);
    expect([starts, supervisor.current()]).toEqual([1, undefined]);
  });

  it("stops a part that is just being started again", async () => {
    const first = makePart();
    const second = makePart();
    const starting = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<Part>();
    let starts = 0;
    const supervisor = await supervise(
      "part",
      () => {
        starts++;
        if (starts === 1) return Promise.resolve(first);
        starting.resolve();
        return slow.promise;
      },
      () => {},
      "part.log",
    );
    first.end();
    await starting.promise;
    const stopped = supervisor.stop();
    slow.resolve(second);
    await stopped;
    expect(second.stopped).toBe(true);
  });

  it("does not start a part again while it waits to", async () => {
    const first = makePart();
    let starts = 0;
    const supervisor = await supervise(
      "part",
      () => {
        starts++;
        return Promise.resolve(first);
      },
      () => {},
      "part.log",
    );
    first.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await supervisor.stop();
    expect(starts).toBe(1);
  });
});

function failing(): never {
  throw new Error("start part: port in use");
}

describe("supervise().replace()", () => {
  it("stops the old part only when the new one runs and the old one is drained", async () => {
    const [old, next] = [makePart(), makePart()];
    const parts = [old, next];
    const lines: string[] = [];
    const supervisor = await supervise("part", () => Promise.resolve(parts.shift() ?? makePart()), (line) => void lines.push(line), "part.log");
    const drained = Promise.withResolvers<void>();
    const replacing = supervisor.replace(() => drained.promise);
    await vi.waitFor(() => expect(supervisor.current()).toBe(next), { timeout: 40_000 });
    expect(old.stopped).toBe(false);
    drained.resolve();
    await replacing;
    expect(old.stopped).toBe(true);
    expect(lines).toEqual([]);
    await supervisor.stop();
    expect(next.stopped).toBe(true);
  });

  it("keeps the old part when the new one cannot start, and watches the new one as it watched the old", async () => {
    const [old, next, third] = [makePart(), makePart(), makePart()];
    const outcomes = [() => old, () => Promise.reject(new Error("no")), () => next, () => third];
    const supervisor = await supervise("part", () => Promise.resolve().then(outcomes.shift()) as Promise<typeof old>, () => {}, "part.log");
    await expect(supervisor.replace(() => Promise.resolve())).rejects.toThrow("no");
    expect(supervisor.current()).toBe(old);
    await supervisor.replace(() => Promise.resolve());
    expect(supervisor.current()).toBe(next);
    next.end();
    await vi.waitFor(() => expect(supervisor.current()).toBe(third), { timeout: 40_000 });
    await supervisor.stop();
  });
});

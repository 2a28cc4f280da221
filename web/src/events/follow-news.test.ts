import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Api, ApiProblem, type ListedEvent, type Parameters } from "../api.ts";
import { beginning, followNews, type NewsListener, nextWaitMs } from "./follow-news.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");
/** When the page begins to follow. */
const nowMs = startMs + 3_600_000;
const timeOf = (second: number) => new Date(startMs + second * 1000).toISOString();
const eventOf = (second: number) => ({ id: `event-${second}`, occurred_at: timeOf(second) }) as ListedEvent;

/** A log of `stored` without a stream, in pages of two, that `answer` may keep waiting or refuse; what it was asked, and when. */
function withoutStream(stored: readonly ListedEvent[], answer: () => Promise<void> = () => Promise.resolve()) {
  const asked: { readonly atMs: number; readonly parameters: Parameters }[] = [];
  const get = async (_path: string, parameters: Parameters = {}) => {
    asked.push({ atMs: Date.now() - nowMs, parameters });
    await answer();
    const found = stored.filter(({ occurred_at }) => occurred_at >= (parameters["from"] ?? ""));
    const from = Number(parameters["cursor"] ?? 0);
    return { events: found.slice(from, from + 2), next_cursor: from + 2 < found.length ? String(from + 2) : null, fresh_as_of: "" };
  };
  const open = () => Promise.reject(new ApiProblem("not_found", "none", 404));
  return { asked, api: { get, open, send: open } as unknown as Api };
}

function listener(max = Infinity): NewsListener & { readonly ids: Set<string> } {
  const ids = new Set<string>();
  const add = (events: readonly ListedEvent[]) => {
    const before = ids.size;
    events.forEach(({ id }) => ids.add(id));
    return ids.size - before;
  };
  return { ids, add, isFull: () => ids.size > max, live: () => {}, lost: () => {} };
}

describe("followNews()", () => {
  let stop = new AbortController();
  beforeEach(() => {
    stop = new AbortController();
    vi.useFakeTimers({ now: nowMs });
  });
  afterEach(() => {
    stop.abort();
    vi.useRealTimers();
  });
  const follow = (api: Api, tell: NewsListener) => void followNews(api, { q: "a" }, beginning(), () => eventOf(0), tell, stop.signal);

  it("reads each event once where there is no stream, and asks ever less while nothing is new", async () => {
    const stored = Array.from({ length: 7 }, (_, index) => eventOf(index * 100));
    const { api, asked } = withoutStream(stored);
    const tell = listener();
    follow(api, tell);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tell.ids.size).toBe(7);
    expect(asked).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(119_000);
    const later = asked.slice(4);
    expect(later.map(({ atMs }) => atMs / 1000)).toEqual([5, 15, 35, 65, 95]);
    expect(new Set(later.map(({ parameters }) => parameters["from"]))).toEqual(new Set([timeOf(590)]));
    // What is stored somewhat late is found, and soon after news it is asked again.
    stored.push(eventOf(595));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(tell.ids).toContain("event-595");
    expect(asked.slice(9).map(({ atMs }) => atMs / 1000)).toEqual([125, 130]);
  });

  it("finds what happens now beside an event that is dated ahead", async () => {
    const [ahead, now] = [3_600 + 1_800, 3_600];
    const stored = [eventOf(ahead)];
    const { api } = withoutStream(stored);
    const tell = listener();
    void followNews(api, { q: "a" }, beginning(), () => eventOf(ahead), tell, stop.signal);
    await vi.advanceTimersByTimeAsync(1_000);
    stored.unshift(eventOf(now));
    await vi.advanceTimersByTimeAsync(5_000);
    expect([...tell.ids]).toEqual([`event-${ahead}`, `event-${now}`]);
  });

  it("leaves a slow service alone for longer than it took, and goes on where a fault broke off", async () => {
    const stored = [1, 100, 200, 300].map(eventOf);
    const { api, asked } = withoutStream(stored, async () => {
      if (asked.length === 2) throw new ApiProblem("unavailable", "none", 503, undefined, 90);
      await new Promise((resolve) => setTimeout(resolve, asked.length === 1 ? 4_000 : 0));
    });
    const states: string[] = [];
    const tell = { ...listener(), live: (by: string) => states.push(by), lost: () => states.push("lost") };
    follow(api, tell);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(tell.ids.size).toBe(4);
    expect(states.slice(0, 3)).toEqual(["lost", "asking", "asking"]);
    expect(asked.slice(0, 3).map(({ atMs, parameters }) => [atMs / 1000, parameters["from"], parameters["cursor"]])).toEqual([
      [0, timeOf(0), undefined],
      [4, timeOf(0), "2"],
      [94, timeOf(90), undefined],
    ]);
  });

  it("goes on under the next token when one is refused", async () => {
    const { api } = withoutStream([eventOf(1)]);
    let attempts = 0;
    const open = () => Promise.reject(new ApiProblem(attempts++ === 0 ? "unauthenticated" : "not_found", "none", attempts === 1 ? 401 : 404));
    const tell = listener();
    follow({ ...api, open }, tell);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([...tell.ids]).toEqual(["event-1"]);
  });

  it("asks for nothing more once it holds all that it counts", async () => {
    const { api, asked } = withoutStream(Array.from({ length: 20 }, (_, index) => eventOf(index)));
    follow(api, listener(5));
    await vi.advanceTimersByTimeAsync(300_000);
    expect(asked).toHaveLength(3);
  });
});

describe("nextWaitMs()", () => {
  it("waits longer the slower the service is, and as long as the service says", () => {
    expect(nextWaitMs(30_000, { news: 1, tookMs: 100, restMs: 0 })).toBe(5_000);
    expect(nextWaitMs(5_000, { news: 1, tookMs: 4_000, restMs: 0 })).toBe(16_000);
    expect(nextWaitMs(5_000, { news: 0, tookMs: 100, restMs: 60_000 })).toBe(60_000);
    expect(nextWaitMs(30_000, { news: 0, tookMs: 100, restMs: 0 })).toBe(30_000);
  });
});

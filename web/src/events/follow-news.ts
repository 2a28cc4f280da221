import { type Api, ApiProblem, type EventList, type ListedEvent, type Parameters } from "../api.ts";
import { framesOf } from "./event-stream.ts";

const RECONNECT_MS = 3_000;
const WAIT_MS = 5_000;
const WAIT_MS_MAX = 30_000;
const POLL_ROWS = 1000;
/** How much later than the next one an event may be stored and still be found, where there is no stream: the list knows no order of receipt. */
export const LATE_MS = 10_000;
/** The service is left alone for so many times as long as it took to answer: a slow one is not made slower. */
const REST_TIMES = 4;

/** Where the log was left, so that pausing and lost connections skip nothing. */
export type Place = {
  position: string | undefined;
  isBehind: boolean;
  /** The newest time that was read from the list: what lies before it need not be read again. */
  readToMs: number;
};

export const beginning = (): Place => ({ position: undefined, isBehind: true, readToMs: 0 });

export type NewsListener = {
  /** How many of these were not known before. */
  readonly add: (events: readonly ListedEvent[]) => number;
  /** True when more would not be counted any more. */
  readonly isFull: () => boolean;
  readonly live: (by: "stream" | "asking") => void;
  readonly lost: () => void;
};

/**
 * Tells of events that match `asked` and are newer than `newest`, until `signal` ends it: a token that is refused may be renewed by the next time. `place`
 * moves on with what was told: whoever follows again from there goes on, and begins nothing anew.
 */
export async function followNews(
  api: Api,
  asked: Parameters,
  place: Place,
  newest: () => ListedEvent | undefined,
  tell: NewsListener,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = 0;
  const read = (from: Place) => readList(api, asked, from, newest(), tell, signal);
  const heard = { ...tell, live: (by: "stream" | "asking") => (waitMs = 0, tell.live(by)) };
  // A fault of the list is one more reason to wait.
  const poll = async (): Promise<Attempt> => {
    const startedMs = performance.now();
    let [news, restMs] = [0, 0];
    try {
      if (!tell.isFull()) news = await read(place);
      tell.live("asking");
    } catch (fault) {
      if (!signal.aborted) tell.lost();
      restMs = restMsOf(fault);
    }
    return { news, restMs, tookMs: performance.now() - startedMs };
  };
  while (!signal.aborted) {
    try {
      // What the list was asked for before says nothing of what came late since: the stream begins with all that lies between.
      await followStream(api, asked, place, () => read({ ...place, readToMs: 0 }), heard, signal);
      // A server ends a stream now and then; something between that ends every one at once must not be asked without a pause.
      waitMs = RECONNECT_MS;
    } catch (error) {
      if (signal.aborted) return;
      // The position is of another log, or archived by now: begin at the end, and ask for what lies between.
      if (isOneOf(error, 400, 410)) Object.assign(place, beginning());
      const hasNoStream = isOneOf(error, 404, 503);
      if (!hasNoStream) tell.lost();
      const attempt = hasNoStream ? await poll() : { news: 0, tookMs: 0, restMs: 0 };
      waitMs = nextWaitMs(waitMs, { ...attempt, restMs: Math.max(attempt.restMs, restMsOf(error)) });
    }
    await pause(waitMs, signal);
  }
}

/** What became of asking: how much was new, how long it took, and for how long the service wants not to be asked. */
export type Attempt = { readonly news: number; readonly tookMs: number; readonly restMs: number };

/** How long to wait before asking again: soon after news, ever longer while there are none, and the longer the slower the service answers. */
export function nextWaitMs(beforeMs: number, { news, tookMs, restMs }: Attempt): number {
  const quietMs = news > 0 ? WAIT_MS : Math.min(WAIT_MS_MAX, Math.max(WAIT_MS, beforeMs * 2));
  return Math.max(quietMs, tookMs * REST_TIMES, restMs);
}

/** Reads what the list has newer than `newest`, from where it was left; how much of it is news. What a fault keeps from coming is read the next time. */
async function readList(
  api: Api,
  asked: Parameters,
  place: Place,
  newest: ListedEvent | undefined,
  tell: NewsListener,
  signal: AbortSignal,
): Promise<number> {
  const newestMs = newest === undefined ? 0 : Date.parse(newest.occurred_at);
  // An event may be dated ahead: what happens until then is news all the same.
  const fromMs = Math.min(Math.max(newestMs, place.readToMs - LATE_MS), Date.now() - LATE_MS);
  const since = { ...asked, from: fromMs > 0 ? new Date(fromMs).toISOString() : asked["from"], order: "asc", limit: String(POLL_ROWS) };
  let news = 0;
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const { events, next_cursor } = await api.get<EventList>("events", { ...since, cursor }, signal);
    news += tell.add(events);
    place.readToMs = Math.max(place.readToMs, ...events.slice(-1).map(({ occurred_at }) => Date.parse(occurred_at)));
    cursor = tell.isFull() ? undefined : next_cursor ?? undefined;
  }
  return news;
}

async function followStream(
  api: Api,
  asked: Parameters,
  place: Place,
  catchUp: () => Promise<unknown>,
  tell: NewsListener,
  signal: AbortSignal,
): Promise<void> {
  const { from: _, to: __, ...question } = asked;
  const headers: Record<string, string> = place.position === undefined ? {} : { "last-event-id": place.position };
  const response = await api.open("events/stream", question, { signal, headers });
  if (response.body === null) return;
  for await (const { id, data } of framesOf(response.body)) {
    if (place.isBehind) {
      // The stream stands at the end of the log now; what came between the list and this moment is not in it.
      await catchUp();
      place.isBehind = false;
    }
    tell.live("stream");
    if (data !== undefined) tell.add([JSON.parse(data) as ListedEvent]);
    // Only after the event was counted: a position is what lies behind us.
    if (id !== undefined) place.position = id;
  }
}

function isOneOf(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof ApiProblem && statuses.includes(error.status);
}

function restMsOf(error: unknown): number {
  return error instanceof ApiProblem ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

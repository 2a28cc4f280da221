import { useCallback, useEffect, useRef, useState } from "react";
import { type Api, ApiProblem, type EventList, type ListedEvent, type Parameters } from "../api.ts";
import { framesOf } from "./event-stream.ts";

const RECONNECT_MS = 3_000;
const POLL_MS = 5_000;
const POLL_ROWS = 1000;
const NEWS_MAX = 10_000;
/** What the log records of its own readers: looking must not look like news. */
const ownRecords = "-action:audit.events.*";

/** Where the log was left, so that pausing and lost connections skip nothing. */
type Place = { position: string | undefined; isBehind: boolean };

export type News = {
  readonly count: number;
  /** True when there may be more than `count`. */
  readonly isMore: boolean;
  readonly state: "paused" | "connecting" | "live";
  readonly clear: () => void;
};

/**
 * Counts events that match `filter` and are not among `shown`, every one of them up to a bound, while `isLive`. They come by the stream of sealed events,
 * which resumes where it was cut; what was stored before it began is asked for once. Where there is no stream, the list is asked again and again.
 */
export function useNews(api: Api, filter: Parameters, shown: readonly ListedEvent[], isLive: boolean): News {
  const ids = useRef(new Set<string>());
  const [, setChanges] = useState(0);
  const [state, setState] = useState<News["state"]>("paused");
  const place = useRef<Place>({ position: undefined, isBehind: true });
  const newest = useRef(shown[0]);
  newest.current = shown[0];
  const question = JSON.stringify(filter);
  const clear = useCallback(() => {
    ids.current.clear();
    setChanges((changes) => changes + 1);
  }, []);

  useEffect(() => {
    clear();
    place.current = { position: undefined, isBehind: true };
  }, [clear, question]);

  useEffect(() => {
    if (!isLive) return setState("paused");
    const stop = new AbortController();
    const asked: Parameters = JSON.parse(question);
    const add = (events: readonly ListedEvent[]) => {
      // What was read before the question changed may come up only now. A page that is left alone holds no more of a busy log than it would ever say.
      if (stop.signal.aborted || ids.current.size > NEWS_MAX) return false;
      for (const { id } of events) ids.current.add(id);
      if (events.length > 0) setChanges((changes) => changes + 1);
      return true;
    };
    setState("connecting");
    const tell = { add, live: () => setState("live"), lost: () => setState("connecting") };
    void follow(api, { ...asked, q: [asked["q"], ownRecords].filter(Boolean).join(" ") }, place.current, () => newest.current, tell, stop.signal);
    return () => stop.abort();
  }, [api, question, isLive]);

  if (!isLive) return { count: 0, isMore: false, state, clear };
  const seen = new Set(shown.map(({ id }) => id));
  const count = [...ids.current].filter((id) => !seen.has(id)).length;
  return { count: Math.min(count, NEWS_MAX), isMore: ids.current.size > NEWS_MAX, state, clear };
}

type Listener = {
  /** False when more would not be counted any more. */
  readonly add: (events: readonly ListedEvent[]) => boolean;
  readonly live: () => void;
  readonly lost: () => void;
};

async function follow(api: Api, asked: Parameters, place: Place, newest: () => ListedEvent | undefined, tell: Listener, signal: AbortSignal): Promise<void> {
  const catchUp = async () => {
    const since = sinceOf(asked, newest());
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const { events, next_cursor } = await api.get<EventList>("events", { ...since, cursor }, signal);
      cursor = tell.add(events) ? next_cursor ?? undefined : undefined;
    }
  };
  while (!signal.aborted) {
    try {
      await followStream(api, asked, place, catchUp, tell, signal);
      // A server ends a stream now and then; something between that ends every one at once must not be asked without a pause.
      await pause(RECONNECT_MS, signal);
    } catch (error) {
      if (signal.aborted || (error instanceof ApiProblem && error.status === 401)) return;
      tell.lost();
      // The position is of another log, or archived by now: begin at the end, and ask for what lies between.
      if (error instanceof ApiProblem && (error.status === 400 || error.status === 410)) Object.assign(place, { position: undefined, isBehind: true });
      const hasNoStream = error instanceof ApiProblem && (error.status === 404 || error.status === 503);
      if (hasNoStream) await catchUp().then(tell.live, () => undefined);
      await pause(hasNoStream ? POLL_MS : RECONNECT_MS, signal);
    }
  }
}

async function followStream(api: Api, asked: Parameters, place: Place, catchUp: () => Promise<unknown>, tell: Listener, signal: AbortSignal): Promise<void> {
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
    tell.live();
    if (data !== undefined) tell.add([JSON.parse(data) as ListedEvent]);
    // Only after the event was counted: a position is what lies behind us.
    if (id !== undefined) place.position = id;
  }
}

function sinceOf(asked: Parameters, newest: ListedEvent | undefined): Parameters {
  return { ...asked, from: newest?.occurred_at ?? asked["from"], order: "asc", limit: String(POLL_ROWS) };
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

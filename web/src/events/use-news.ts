import { useCallback, useEffect, useRef, useState } from "react";
import type { Api, ListedEvent, Parameters } from "../api.ts";
import { beginning, followNews } from "./follow-news.ts";

const NEWS_MAX = 10_000;
/** What the log records of its own readers: looking must not look like news. */
const ownRecords = "-action:audit.events.*";

export type News = {
  readonly count: number;
  /** True when there may be more than `count`. */
  readonly isMore: boolean;
  /** `"asking"` is live where there is no stream: what comes late is not among the news. */
  readonly state: "paused" | "connecting" | "live" | "asking";
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
  const place = useRef(beginning());
  const newest = useRef(shown[0]);
  newest.current = shown[0];
  const question = JSON.stringify(filter);
  const clear = useCallback(() => {
    ids.current.clear();
    setChanges((changes) => changes + 1);
  }, []);

  useEffect(() => {
    clear();
    place.current = beginning();
  }, [clear, question]);

  useEffect(() => {
    if (!isLive) return setState("paused");
    const stop = new AbortController();
    const asked: Parameters = JSON.parse(question);
    const isFull = () => ids.current.size > NEWS_MAX;
    const add = (events: readonly ListedEvent[]) => {
      // What was read before the question changed may come up only now. A page that is left alone holds no more of a busy log than it would ever say.
      if (stop.signal.aborted || isFull()) return 0;
      const before = ids.current.size;
      for (const { id } of events) ids.current.add(id);
      if (events.length > 0) setChanges((changes) => changes + 1);
      return ids.current.size - before;
    };
    setState("connecting");
    const tell = { add, isFull, live: (by: "stream" | "asking") => setState(by === "stream" ? "live" : by), lost: () => setState("connecting") };
    void followNews(api, { ...asked, q: [asked["q"], ownRecords].filter(Boolean).join(" ") }, place.current, () => newest.current, tell, stop.signal);
    return () => stop.abort();
  }, [api, question, isLive]);

  if (!isLive) return { count: 0, isMore: false, state, clear };
  const seen = new Set(shown.map(({ id }) => id));
  const count = [...ids.current].filter((id) => !seen.has(id)).length;
  return { count: Math.min(count, NEWS_MAX), isMore: ids.current.size > NEWS_MAX, state, clear };
}

import { useEffect, useRef } from "react";
import { Button, ToggleButton } from "react-aria-components";
import type { Api, ListedEvent, Parameters } from "../api.ts";
import { refreshSeconds, useView } from "../view-state.ts";
import { LATE_MS } from "./follow-news.ts";
import { useNews } from "./use-news.ts";

type Props = {
  readonly api: Api;
  readonly filter: Parameters;
  readonly shown: readonly ListedEvent[];
  /** `shown` is what this filter found, and not of the one before, or nothing yet: what is new is reckoned from it. */
  readonly isListed: boolean;
  /** Somebody is reading: has an event open, or has gone back in time. Then nothing moves by itself. */
  readonly isReading: boolean;
  readonly onRefresh: () => void;
};

/** Announces new events, or refreshes every so often; the table itself moves only when asked, or while nobody reads in it. */
export function LiveBar({ api, filter, shown, isListed, isReading, onRefresh }: Props) {
  const [view, setView] = useView();
  const hasEnd = filter["to"] !== undefined;
  const isLive = view.live && !hasEnd;
  const { count, isMore, state, clear } = useNews(api, filter, shown, isLive && isListed);
  useRefresh(hasEnd || isLive ? 0 : view.refresh, isReading, onRefresh);
  const show = () => {
    clear();
    onRefresh();
  };
  return (
    <div className="live" role="group" aria-label="Live">
      <ToggleButton isSelected={isLive} onChange={(live) => setView({ live }, { replace: true })} isDisabled={hasEnd}>
        {isLive ? "Pause" : "Go live"}
      </ToggleButton>
      {isLive && <span className={`pulse ${state}`}>{state === "live" || state === "asking" ? "Live" : "Connecting…"}</span>}
      {state === "asking" && <span className="small">Asks every few seconds. An event more than {LATE_MS / 1000} s late shows when you search again.</span>}
      {!isLive && (
        <label className="inline refresh">
          Refresh
          <select
            value={view.refresh}
            disabled={hasEnd}
            onChange={({ target }) => setView({ refresh: Number(target.value) }, { replace: true })}
          >
            <option value={0}>by hand</option>
            {refreshSeconds.map((seconds) => <option key={seconds} value={seconds}>every {seconds < 60 ? `${seconds} s` : `${seconds / 60} min`}</option>)}
          </select>
        </label>
      )}
      {!isLive && <Button onPress={onRefresh} aria-label="Refresh now">↻</Button>}
      {!isLive && view.refresh > 0 && isReading && <span className="small">paused while you read</span>}
      <span role="status">
        {count > 0 && (
          <Button className="news" onPress={show}>
            {isMore && "at least "}
            {count.toLocaleString("en")} new {count === 1 ? "event" : "events"}
          </Button>
        )}
      </span>
    </div>
  );
}

/** Calls `onRefresh` every `seconds`, unless somebody reads or nobody looks at the tab. */
function useRefresh(seconds: number, isReading: boolean, onRefresh: () => void): void {
  const current = useRef({ isReading, onRefresh });
  current.current = { isReading, onRefresh };
  useEffect(() => {
    if (seconds === 0) return;
    const timer = setInterval(() => {
      if (!current.current.isReading && !document.hidden) current.current.onRefresh();
    }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

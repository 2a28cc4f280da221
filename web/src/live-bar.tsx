import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Button, ToggleButton } from "react-aria-components";
import type { Api, EventList, ListedEvent, Parameters } from "./api.ts";

const REFRESH_MS = 5_000;
const COUNT_MAX = 1000;
/** What the log records of its own readers: looking must not look like news. */
const ownRecords = "-action:audit.events.*";

type Props = { readonly api: Api; readonly filter: Parameters; readonly newest: ListedEvent | undefined; readonly onShow: () => void };

/** Announces events newer than the newest shown; the table itself moves only when asked. */
export function LiveBar({ api, filter, newest, onShow }: Props) {
  const [isLive, setIsLive] = useState(false);
  const asked = {
    ...filter,
    q: [filter["q"], ownRecords].filter(Boolean).join(" "),
    from: newest?.occurred_at ?? filter["from"],
    order: "asc",
    limit: String(COUNT_MAX),
  };
  const news = useQuery({
    queryKey: ["news", filter, newest?.id],
    queryFn: async ({ signal }) => (await api.get<EventList>("events", asked, signal)).events.filter(({ id }) => id !== newest?.id).length,
    enabled: isLive && filter["to"] === undefined,
    refetchInterval: REFRESH_MS,
  });
  const count = isLive ? news.data ?? 0 : 0;
  return (
    <div className="live" role="group" aria-label="Live">
      <ToggleButton isSelected={isLive} onChange={setIsLive} isDisabled={filter["to"] !== undefined}>{isLive ? "Pause" : "Go live"}</ToggleButton>
      <span role="status">
        {count > 0 && <Button className="news" onPress={onShow}>{count >= COUNT_MAX ? `${COUNT_MAX}+` : count} new {count === 1 ? "event" : "events"}</Button>}
      </span>
    </div>
  );
}

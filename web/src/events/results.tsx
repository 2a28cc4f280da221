import type { Fault, ListedEvent } from "../api.ts";
import { LoadOlder, QueryState } from "../query-state.tsx";
import type { SetView, View } from "../view-state.ts";
import { EmptyState, UnreadableQuery } from "./empty-state.tsx";
import { EventTable } from "./event-table.tsx";
import type { useEvents } from "./use-events.ts";

type Props = Pick<ReturnType<typeof useEvents>, "list" | "events" | "isNew"> & {
  readonly view: View;
  readonly setView: SetView;
  readonly cursor: number;
  readonly queryFault: Fault | undefined;
  readonly firstEventCommand: string | undefined;
  readonly onOpen: (event: ListedEvent) => void;
};

/** The events that were found, or which kind of nothing came instead; and the way to older ones, which takes nothing away when it fails. */
export function Results({ list, events, isNew, view, setView, cursor, queryFault, firstEventCommand, onOpen }: Props) {
  const clear = () => setView({ q: "" });
  const isLost = list.isError && !list.isFetchNextPageError;
  return (
    <section aria-label="Events found" className="results" aria-busy={list.isFetching}>
      {queryFault === undefined && isLost && <QueryState query={list} hasEarlier={events.length > 0} />}
      {queryFault !== undefined
        ? <UnreadableQuery onClear={clear} />
        : events.length > 0 || list.isPending
        ? <EventTable events={events} zone={view.zone} cursor={cursor} openId={view.event} onOpen={onOpen} isLoading={list.isPending} />
        : !isLost && (
          <EmptyState
            view={view}
            hasMore={list.hasNextPage}
            isNew={isNew}
            onWiden={() => setView({ range: "90d", from: undefined, to: undefined })}
            onClear={clear}
            firstEventCommand={firstEventCommand}
          />
        )}
      {!isLost && <LoadOlder list={list}>Load older</LoadOlder>}
    </section>
  );
}

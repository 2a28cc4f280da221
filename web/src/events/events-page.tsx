import { useEffect, useState } from "react";
import { Button } from "react-aria-components";
import { type Api, ApiProblem, type ListedEvent, type Stats } from "../api.ts";
import { ProblemNotice } from "../problem-notice.tsx";
import { isAtLeast, type Role } from "../session/session.ts";
import { ShortcutHelp, useShortcuts } from "../shell/shortcuts.tsx";
import { useView } from "../view-state.ts";
import { EmptyState, UnreadableQuery } from "./empty-state.tsx";
import { EventDrawer } from "./event-drawer.tsx";
import { EventTable } from "./event-table.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { Facets } from "./facets.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { Histogram } from "./histogram.tsx";
import { LiveBar } from "./live-bar.tsx";
import { useEvents } from "./use-events.ts";

type Props = { readonly api: Api; readonly role: Role; readonly tenant: string | undefined; readonly firstEventCommand: string | undefined };

export function EventsPage({ api, role, tenant, firstEventCommand }: Props) {
  const [view, setView] = useView();
  const { filter, list, stats, events, isNew, refresh } = useEvents(api, view, tenant);
  const [cursor, setCursor] = useState(-1);
  useEffect(() => setCursor(-1), [filter]);

  const open = (event: ListedEvent | undefined) => setView({ event: event?.id, at: event?.occurred_at });
  const shortcuts = useShortcuts({
    move: (by) => setCursor((at) => Math.max(0, Math.min(events.length - 1, at + by))),
    open: () => open(events[cursor]),
    close: () => open(undefined),
    toggleZone: () => setView({ zone: view.zone === "utc" ? "local" : "utc" }, { replace: true }),
  });
  const queryFault = queryFaultOf(list.error);
  const isEmpty = !list.isPending && events.length === 0;
  const isReading = view.event !== undefined || (list.data?.pages.length ?? 0) > 1 || cursor >= 0;

  return (
    <div className={view.event === undefined ? "events" : "events with-drawer"}>
      <div className="events-main">
        <h1 className="visually-hidden">Events</h1>
        <FilterBar facets={stats.data?.facets.values} fault={queryFault} mayShowDeleted={role === "admin"} />
        <Histogram stats={stats.data} zone={view.zone} onSelect={(from, to) => setView({ range: "custom", from, to })} />
        <div className="toolbar">
          <p role="status" className="count">{countText(stats.data, stats.isFetching)}</p>
          <LiveBar api={api} filter={filter} shown={events} isReading={isReading} onRefresh={refresh} />
          <Button className="keyboard" onPress={() => shortcuts.setIsOpen(true)}>Keyboard</Button>
          {isAtLeast(role, "auditor") && <ExportMenu api={api} filter={filter} total={queryFault === undefined ? stats.data?.total : 0} />}
        </div>
        <div className="columns">
          <Facets stats={stats.data} />
          <section aria-label="Events found" className="results" aria-busy={list.isFetching}>
            {queryFault !== undefined
              ? <UnreadableQuery onClear={() => setView({ q: "" })} />
              : list.isError
              ? <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />
              : isEmpty
              ? (
                <EmptyState
                  view={view}
                  hasMore={list.hasNextPage}
                  isNew={isNew}
                  onWiden={() => setView({ range: "90d", from: undefined, to: undefined })}
                  onClear={() => setView({ q: "" })}
                  firstEventCommand={firstEventCommand}
                />
              )
              : <EventTable events={events} zone={view.zone} cursor={cursor} openId={view.event} onOpen={open} isLoading={list.isPending} />}
            {list.hasNextPage && !list.isError && (
              <Button className="load-older" isDisabled={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
                {list.isFetchingNextPage ? "Loading…" : "Load older"}
              </Button>
            )}
          </section>
        </div>
      </div>
      {view.event !== undefined && (
        <EventDrawer
          api={api}
          id={view.event}
          at={view.at}
          tenant={tenant}
          role={role}
          listed={events.find(({ id }) => id === view.event)}
          descriptions={stats.data?.descriptions}
          onClose={() => open(undefined)}
        />
      )}
      <ShortcutHelp {...shortcuts} mayExport={isAtLeast(role, "auditor")} />
    </div>
  );
}

function queryFaultOf(error: Error | null) {
  return error instanceof ApiProblem ? error.faults.find(({ pointer }) => pointer === "q") : undefined;
}

function countText(stats: Stats | undefined, isFetching: boolean): string {
  if (stats === undefined) return isFetching ? "Counting…" : "";
  const partial = stats.histogram.counted_from !== stats.from ? "at least " : "";
  return `${partial}${stats.total.toLocaleString("en")} ${stats.total === 1 ? "event" : "events"}`;
}

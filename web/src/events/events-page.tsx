import { useCallback, useEffect, useState } from "react";
import { Button } from "react-aria-components";
import { type Api, ApiProblem, type ListedEvent, type Stats } from "../api.ts";
import { ProblemNotice } from "../problem-notice.tsx";
import { isAtLeast, type Role } from "../session/session.ts";
import { ShortcutHelp, useShortcuts } from "../shell/shortcuts.tsx";
import { useNarrow } from "../use-narrow.ts";
import { useView } from "../view-state.ts";
import { EventDrawer } from "./event-drawer.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { Facets } from "./facets.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { Histogram } from "./histogram.tsx";
import { LiveBar } from "./live-bar.tsx";
import { Results } from "./results.tsx";
import type { Exporting } from "./use-export.ts";
import { useEvents } from "./use-events.ts";

type Props = {
  readonly api: Api;
  readonly role: Role;
  readonly tenant: string | undefined;
  readonly exporting: Exporting;
  readonly firstEventCommand: string | undefined;
};

export function EventsPage({ api, role, tenant, exporting, firstEventCommand }: Props) {
  const [view, setView] = useView();
  const isNarrow = useNarrow();
  const { filter, list, stats, events, isNew, refresh } = useEvents(api, view, tenant);
  const [cursor, setCursor] = useState(-1);
  useEffect(() => setCursor(-1), [filter]);

  const open = useCallback((event: ListedEvent | undefined) => setView({ event: event?.id, at: event?.occurred_at }), [setView]);
  const close = () => open(undefined);
  const shortcuts = useShortcuts({
    move: (by) => setCursor((at) => Math.max(0, Math.min(events.length - 1, at + by))),
    // Enter on what is no row, the head of an open event for one, does nothing.
    open: () => events[cursor] !== undefined && open(events[cursor]),
    close,
    toggleZone: () => setView({ zone: view.zone === "utc" ? "local" : "utc" }, { replace: true }),
  });
  const queryFault = queryFaultOf(list.error);
  const isReading = view.event !== undefined || (list.data?.pages.length ?? 0) > 1 || cursor >= 0;
  // Of the filter before, until the answers to this one are here.
  const isOld = list.isPlaceholderData || stats.isPlaceholderData;

  return (
    <div className={view.event === undefined ? "events" : "events with-drawer"}>
      <div className="events-main" data-old={isOld} inert={isNarrow && view.event !== undefined}>
        <h1 className="visually-hidden">Events</h1>
        <FilterBar facets={stats.data?.facets.values} fault={queryFault} mayShowDeleted={role === "admin"} onAgain={refresh} />
        {stats.isError && !list.isError
          ? (
            <ProblemNotice
              error={stats.error}
              stands="The events below hold; only their count and the chart are missing."
              onRetry={() => void stats.refetch()}
            />
          )
          : <Histogram stats={stats.data} zone={view.zone} onSelect={(from, to) => setView({ range: "custom", from, to })} />}
        <div className="toolbar">
          <p role="status" className="count">{countText(stats.data, stats.isFetching)}</p>
          <LiveBar
            api={api}
            filter={filter}
            shown={events}
            isListed={!list.isPending && !list.isPlaceholderData}
            isReading={isReading}
            onRefresh={refresh}
          />
          <Button className="keyboard" onPress={() => shortcuts.setIsOpen(true)}>Keyboard</Button>
          {isAtLeast(role, "auditor") && (
            <ExportMenu
              api={api}
              filter={filter}
              total={queryFault !== undefined ? 0 : stats.isPlaceholderData ? undefined : stats.data?.total}
              exporting={exporting}
            />
          )}
        </div>
        <div className="columns">
          <Facets stats={stats.data} />
          <Results {...{ list, events, view, cursor, queryFault, isNew, firstEventCommand }} onOpen={open} setView={setView} />
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
          onClose={close}
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

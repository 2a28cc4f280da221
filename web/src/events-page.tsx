import { useEffect, useMemo, useState } from "react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api, EventList, ListedEvent, Parameters, Stats } from "./api.ts";
import { EmptyState } from "./empty-state.tsx";
import { EventDrawer } from "./event-drawer.tsx";
import { EventTable } from "./event-table.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { Facets } from "./facets.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { Histogram } from "./histogram.tsx";
import { LiveBar } from "./live-bar.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { mayExport, type Session } from "./session.ts";
import { ShortcutHelp, useShortcuts } from "./shortcuts.tsx";
import { useView, windowOf } from "./view-state.ts";

const PAGE_ROWS = 100;

type Props = { readonly api: Api; readonly session: Session; readonly tenant: string | undefined; readonly firstEventCommand: string | undefined };

export function EventsPage({ api, session, tenant, firstEventCommand }: Props) {
  const [view, setView] = useView();
  const [refreshedAt, setRefreshedAt] = useState(0);
  const filter = useMemo((): Parameters => ({ tenant_id: tenant, q: view.q, ...windowOf(view) }), [
    tenant,
    view.q,
    view.range,
    view.from,
    view.to,
    refreshedAt,
  ]);
  const list = useInfiniteQuery({
    queryKey: ["events", filter, refreshedAt],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => api.get<EventList>("events", { ...filter, limit: String(PAGE_ROWS), cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const stats = useQuery({
    queryKey: ["stats", filter, refreshedAt],
    queryFn: ({ signal }) => api.get<Stats>("stats", filter, signal),
    placeholderData: keepPreviousData,
  });
  const events = useMemo(() => list.data?.pages.flatMap((page) => page.events) ?? [], [list.data]);
  const [cursor, setCursor] = useState(-1);
  useEffect(() => setCursor(-1), [filter]);

  const open = (event: ListedEvent | undefined) => setView({ event: event?.id, at: event?.occurred_at });
  const shortcuts = useShortcuts({
    move: (by) => setCursor((at) => Math.max(0, Math.min(events.length - 1, at + by))),
    open: () => open(events[cursor]),
    close: () => open(undefined),
    toggleZone: () => setView({ zone: view.zone === "utc" ? "local" : "utc" }, { replace: true }),
  });
  const refresh = () => setRefreshedAt(Date.now());
  const isEmpty = !list.isPending && events.length === 0;

  return (
    <>
      <h1 className="visually-hidden">Events</h1>
      <FilterBar facets={stats.data?.facets.values} />
      <Histogram stats={stats.data} zone={view.zone} onSelect={(from, to) => setView({ range: "custom", from, to })} />
      <div className="toolbar">
        <p role="status" className="count">{countText(stats.data, list.isFetching)}</p>
        <LiveBar api={api} filter={filter} newest={events[0]} onShow={refresh} />
        {mayExport(session) && <ExportMenu api={api} filter={filter} total={stats.data?.total} />}
      </div>
      <div className="columns">
        <Facets stats={stats.data} />
        <section aria-label="Events found" className="results" aria-busy={list.isFetching}>
          {list.isError ? <ProblemNotice error={list.error} onRetry={() => void list.refetch()} /> : isEmpty
            ? (
              <EmptyState
                view={view}
                onWiden={() => setView({ range: "30d", from: undefined, to: undefined })}
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
      {view.event !== undefined && (
        <EventDrawer
          api={api}
          id={view.event}
          at={view.at}
          tenant={tenant}
          mayVerify={mayExport(session)}
          listed={events.find(({ id }) => id === view.event)}
          onClose={() => open(undefined)}
        />
      )}
      <ShortcutHelp {...shortcuts} />
    </>
  );
}

function countText(stats: Stats | undefined, isFetching: boolean): string {
  if (stats === undefined) return isFetching ? "Counting…" : "";
  const partial = stats.histogram.counted_from !== stats.from ? " at least" : "";
  return `${partial} ${stats.total.toLocaleString()} ${stats.total === 1 ? "event" : "events"}`.trim();
}

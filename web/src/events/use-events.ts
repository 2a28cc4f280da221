import { useCallback, useMemo, useRef, useState } from "react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Api, EventList, Parameters, Stats } from "../api.ts";
import { type View, windowOf } from "../view-state.ts";

/** The first page is small, so that it is there at once; who goes on reads far. */
const FIRST_PAGE_ROWS = 100;
const PAGE_ROWS = 500;

/** What the view asks for: the list page by page, the figures of the same filter, and how to ask again. */
export function useEvents(api: Api, view: View, tenant: string | undefined) {
  const [refreshedAt, setRefreshedAt] = useState(0);
  const { q, range, from, to, deleted } = view;
  const filter = useMemo(
    (): Parameters => ({ tenant_id: tenant, q, ...windowOf({ range, from, to }), include_deleted: deleted ? "true" : undefined }),
    [tenant, q, range, from, to, deleted, refreshedAt],
  );
  const list = useInfiniteQuery({
    queryKey: ["events", filter, refreshedAt],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => {
      const limit = String(pageParam === undefined ? FIRST_PAGE_ROWS : PAGE_ROWS);
      return api.get<EventList>("events", { ...filter, limit, cursor: pageParam }, signal);
    },
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const stats = useQuery({
    queryKey: ["stats", filter, refreshedAt],
    queryFn: ({ signal }) => api.get<Stats>("stats", filter, signal),
    placeholderData: keepPreviousData,
  });
  const question = JSON.stringify([q, range, from, to, deleted]);
  const found = useRef<{ readonly question: string; readonly data: typeof list.data }>(undefined);
  if (list.isSuccess && !list.isPlaceholderData) found.current = { question, data: list.data };
  // Asking the same again takes nothing away when it fails.
  const data = list.data ?? (found.current?.question === question ? found.current.data : undefined);
  const events = useMemo(() => data?.pages.flatMap((page) => page.events) ?? [], [data]);
  const isEmpty = list.isSuccess && events.length === 0 && q === "";
  // Looking leaves a record, so a log that was looked at is never quite empty: what the log says of its readers does not count.
  const anything = useQuery({
    queryKey: ["anything", tenant],
    queryFn: async ({ signal }) => {
      const asked = { tenant_id: tenant, q: "-action:audit.*", from: "2000-01-01T00:00:00Z", limit: "1" };
      return (await api.get<EventList>("events", asked, signal)).events.length > 0;
    },
    enabled: isEmpty,
  });
  return { filter, list, stats, events, isNew: isEmpty && anything.data === false, refresh: useCallback(() => setRefreshedAt(Date.now()), []) };
}

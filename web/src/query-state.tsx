import type { ReactNode } from "react";
import { useInfiniteQuery, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api } from "./api.ts";
import { ProblemNotice } from "./problem-notice.tsx";

type Asked = {
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly error: unknown;
  readonly data: unknown;
  readonly refetch: () => unknown;
  readonly isFetchNextPageError?: boolean;
};

type Props = {
  readonly query: Asked;
  readonly waiting?: string;
  /** An earlier answer stands below. */
  readonly hasEarlier?: boolean;
};

/** What stands where an answer will be: that it is waited for, or why it did not come. */
export function QueryState({ query, waiting = "Loading…", hasEarlier = query.data !== undefined }: Props) {
  if (query.isPending) return <p role="status" className="waiting">{waiting}</p>;
  if (!query.isError || query.isFetchNextPageError) return null;
  const stands = hasEarlier ? "What stands below is the answer before this one, and may be out of date." : undefined;
  return <ProblemNotice error={query.error} stands={stands} onRetry={() => void query.refetch()} />;
}

/** The way to the next page of a list. What is there already stays when it does not come. */
export function LoadOlder({ list, children }: { readonly list: UseInfiniteQueryResult<unknown>; readonly children: ReactNode }) {
  const more = () => void list.fetchNextPage();
  if (list.isFetchNextPageError) return <ProblemNotice error={list.error} stands="What stands above holds; what is older is missing." onRetry={more} />;
  if (!list.hasNextPage) return null;
  // Pending, not disabled: that would take the keyboard away from it.
  return <Button className="load-older" isPending={list.isFetchingNextPage} onPress={more}>{list.isFetchingNextPage ? "Loading…" : children}</Button>;
}

type Page<Name extends string, Row> = { readonly next_cursor: string | null } & { readonly [Key in Name]: readonly Row[] };

/** One of the tenant's lists, page by page: `GET /<name>` answers with rows under the same name. */
export function useTenantList<Row>(api: Api, name: "archives" | "holds" | "keys", tenant: string | undefined) {
  const list = useInfiniteQuery({
    queryKey: [name, tenant],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => api.get<Page<typeof name, Row>>(name, { tenant_id: tenant, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return { list, rows: list.data?.pages.flatMap((page) => page[name]) ?? [] };
}

import type { ReactNode } from "react";
import { useInfiniteQuery, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api } from "./api.ts";
import { ProblemNotice } from "./problem-notice.tsx";

type Asked = {
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly error: unknown;
  readonly refetch: () => unknown;
  readonly isFetchNextPageError?: boolean;
};

/** What stands where an answer will be: that it is waited for, or why it did not come. */
export function QueryState({ query, waiting = "Loading…" }: { readonly query: Asked; readonly waiting?: string }) {
  if (query.isPending) return <p role="status" className="waiting">{waiting}</p>;
  if (!query.isError || query.isFetchNextPageError) return null;
  return <ProblemNotice error={query.error} onRetry={() => void query.refetch()} />;
}

/** The way to the next page of a list. What is there already stays when it does not come. */
export function LoadOlder({ list, children }: { readonly list: UseInfiniteQueryResult<unknown>; readonly children: ReactNode }) {
  const more = () => void list.fetchNextPage();
  if (list.isFetchNextPageError) return <ProblemNotice error={list.error} onRetry={more} />;
  if (!list.hasNextPage) return null;
  return <Button className="load-older" isDisabled={list.isFetchingNextPage} onPress={more}>{list.isFetchingNextPage ? "Loading…" : children}</Button>;
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

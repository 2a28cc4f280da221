import { useMemo } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Api } from "../api.ts";
import { ListTable } from "../list-table.tsx";
import { PlainText } from "../plain-text.tsx";
import { ProblemNotice } from "../problem-notice.tsx";
import { RangePicker } from "../range-picker.tsx";
import { formatSecond, zoneName } from "../time-format.ts";
import { Figures, ViewHead } from "../view-head.tsx";
import { ViewLink } from "../view-link.tsx";
import { useView, windowOf } from "../view-state.ts";
import { ProducerGaps } from "./producer-gaps.tsx";

export type Gap = { readonly first_seq: number; readonly last_seq: number; readonly after: string; readonly before: string };

export type Producer = {
  readonly producer_id: string;
  readonly events: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly missing: number;
  readonly gaps: readonly Gap[];
};

type ProducerList = { readonly counted_events: number; readonly counted_from: string; readonly capped: boolean; readonly producers: readonly Producer[] };

/** Who sends events, and what their counters say was lost before it came here. */
export function ProducersPage({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [view] = useView();
  const { range, from, to } = view;
  const window = useMemo(() => windowOf({ range, from, to }), [range, from, to]);
  const list = useQuery({
    queryKey: ["producers", tenant, window],
    queryFn: ({ signal }) => api.get<ProducerList>("producers", { tenant_id: tenant, ...window }, signal),
  });
  const producers = list.data?.producers ?? [];
  const missing = producers.reduce((sum, producer) => sum + producer.missing, 0);
  const eventsOf = ({ producer_id: id }: Producer) => (
    <ViewLink change={{ page: "events", q: `producer:${JSON.stringify(id)}` }}>
      <PlainText>{id}</PlainText>
    </ViewLink>
  );
  return (
    <div className="view">
      <ViewHead
        title="Producers"
        purpose="Clients number what they log. A number that never came is an event that was lost before it reached the log, or was refused."
      >
        <form className="view-range" aria-label="Range" onSubmit={(event) => event.preventDefault()}>
          <RangePicker />
        </form>
      </ViewHead>
      {list.isError && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <p role="status" className="waiting">Loading…</p>}
      {list.isSuccess && producers.length === 0 && (
        <div className="empty">
          <h2>No producer has numbered its events in this range</h2>
          <p>The client library numbers them by itself. Widen the range, or set a producer id in the client.</p>
        </div>
      )}
      {list.isSuccess && producers.length > 0 && (
        <>
          <Figures
            label="Producers in this range"
            figures={[
              { name: "Producers", value: producers.length.toLocaleString("en") },
              {
                name: "Events compared",
                value: list.data.counted_events.toLocaleString("en"),
                note: list.data.capped ? `the newest, from ${formatSecond(list.data.counted_from, view.zone)} on` : undefined,
              },
              { name: "Missing", value: <span className={missing === 0 ? "good" : "bad"}>{missing === 0 ? "none" : missing.toLocaleString("en")}</span> },
            ]}
          />
          <ListTable
            caption="Producers, those that miss most first"
            rows={producers}
            keyOf={({ producer_id }) => producer_id}
            columns={[
              { head: "Producer", cell: eventsOf, isRowHead: true },
              {
                head: "Missing",
                cell: ({ missing: count }) => count === 0 ? "none" : <span className="bad">{count.toLocaleString("en")}</span>,
                isNumber: true,
              },
              { head: "Events", cell: ({ events }) => events.toLocaleString("en"), isNumber: true },
              { head: "Numbers", cell: ({ first_seq, last_seq }) => `${first_seq.toLocaleString("en")} – ${last_seq.toLocaleString("en")}`, isNumber: true },
              { head: `First (${zoneName(view.zone)})`, cell: ({ first_at }) => formatSecond(first_at, view.zone) },
              { head: `Last (${zoneName(view.zone)})`, cell: ({ last_at }) => formatSecond(last_at, view.zone) },
            ]}
          />
          {producers.filter(({ gaps }) => gaps.length > 0).map((producer) => <ProducerGaps key={producer.producer_id} producer={producer} />)}
        </>
      )}
    </div>
  );
}

import { useMemo } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Api } from "../api.ts";
import { literal } from "../events/query-text.ts";
import { ListTable } from "../list-table.tsx";
import { PlainText } from "../plain-text.tsx";
import { QueryState } from "../query-state.tsx";
import { RangePicker } from "../range-picker.tsx";
import { formatSecond, type Zone, zoneName } from "../time-format.ts";
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
      <QueryState query={list} />
      {list.isSuccess && producers.length === 0 && (
        <div className="empty">
          <h2>No producer has numbered its events in this range</h2>
          <p>The client library numbers them by itself. Widen the range, or set a producer id in the client.</p>
        </div>
      )}
      {list.isSuccess && producers.length > 0 && (
        <>
          <ProducerFigures list={list.data} zone={view.zone} />
          <ProducerTable producers={producers} zone={view.zone} />
          {producers.filter(({ gaps }) => gaps.length > 0).map((producer) => <ProducerGaps key={producer.producer_id} producer={producer} />)}
        </>
      )}
    </div>
  );
}

function ProducerFigures({ list: { producers, counted_events, counted_from, capped }, zone }: { readonly list: ProducerList; readonly zone: Zone }) {
  const missing = producers.reduce((sum, producer) => sum + producer.missing, 0);
  return (
    <Figures
      label="Producers in this range"
      figures={[
        { name: "Producers", value: producers.length.toLocaleString("en") },
        {
          name: "Events compared",
          value: counted_events.toLocaleString("en"),
          note: capped ? `the newest, from ${formatSecond(counted_from, zone)} on` : undefined,
        },
        { name: "Missing", value: <span className={missing === 0 ? "good" : "bad"}>{missing === 0 ? "none" : missing.toLocaleString("en")}</span> },
      ]}
    />
  );
}

function ProducerTable({ producers, zone }: { readonly producers: readonly Producer[]; readonly zone: Zone }) {
  const eventsOf = ({ producer_id: id }: Producer) => (
    <ViewLink change={{ page: "events", q: `producer:${literal(id)}` }}>
      <PlainText>{id}</PlainText>
    </ViewLink>
  );
  return (
    <ListTable
      caption="Producers, those that miss most first"
      rows={producers}
      keyOf={({ producer_id }) => producer_id}
      columns={[
        { head: "Producer", cell: eventsOf, isRowHead: true },
        { head: "Missing", cell: ({ missing }) => missing === 0 ? "none" : <span className="bad">{missing.toLocaleString("en")}</span>, isNumber: true },
        { head: "Events", cell: ({ events }) => events.toLocaleString("en"), isNumber: true },
        { head: "Numbers", cell: ({ first_seq, last_seq }) => `${first_seq.toLocaleString("en")} – ${last_seq.toLocaleString("en")}`, isNumber: true },
        { head: `First (${zoneName(zone)})`, cell: ({ first_at }) => formatSecond(first_at, zone) },
        { head: `Last (${zoneName(zone)})`, cell: ({ last_at }) => formatSecond(last_at, zone) },
      ]}
    />
  );
}

import type { Counted } from "../../core/archived-producers.ts";
import { limits } from "../../core/limits.ts";
import type { ProducerFigure, ProducerFigures } from "../../core/producers.ts";
import type { Filter } from "../../core/query-filter.ts";
import type { ReadTransaction } from "./claims.ts";
import { type Fragment, sql } from "./query-fragment.ts";
import { filterSql } from "./query-sql.ts";

/** A row for each gap that is shown, or one without a gap for a producer that has none; the first columns are the same in all rows of a producer. */
type ProducerRow = {
  readonly counted: number;
  readonly counted_from: string;
  readonly producer_id: string;
  readonly events: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly missing: number;
  readonly gap_first: number | null;
  readonly gap_last: number | null;
  readonly gap_after: string | null;
  readonly gap_before: string | null;
};

/** The newest events of the window that carry a counter, softly deleted ones too. */
function newestSql(filter: Filter): Fragment {
  return sql`select e.producer_id, e.producer_seq, e.occurred_at from audit_log.events e
    where ${filterSql({ ...filter, includeDeleted: true })} and e.producer_id is not null and e.producer_seq is not null
    order by e.occurred_at desc, e.id desc limit ${limits.producerEventsMax}::bigint`;
}

/** Each number of the window by itself, to be compared together with others. */
export async function readCounted(transaction: ReadTransaction, filter: Filter): Promise<readonly Counted[]> {
  const rows = await transaction.rows<{ producer_id: string; producer_seq: number; occurred_at: string }>(newestSql(filter));
  return rows.map((row) => ({ producerId: row.producer_id, seq: row.producer_seq, occurredAt: row.occurred_at }));
}

/** What the counters of the window's producers tell, those first that miss most. */
export async function readProducers(transaction: ReadTransaction, filter: Filter): Promise<ProducerFigures> {
  const rows = await transaction.rows<ProducerRow>(
    sql`with newest as materialized (${newestSql(filter)}), steps as materialized (
        select n.*, lead(n.producer_seq) over w as next_seq, lead(n.occurred_at) over w as next_at
        from newest n window w as (partition by n.producer_id order by n.producer_seq)
      ), producers as (
        select s.producer_id, count(*) as events, min(s.producer_seq) as first_seq, max(s.producer_seq) as last_seq,
          min(s.occurred_at) as first_at, max(s.occurred_at) as last_at,
          coalesce(sum(s.next_seq - s.producer_seq - 1) filter (where s.next_seq > s.producer_seq + 1), 0)::bigint as missing
        from steps s group by s.producer_id order by missing desc, last_at desc, s.producer_id limit ${limits.producersMax}::bigint
      )
      select (select count(*) from newest) as counted, (select min(n.occurred_at) from newest n) as counted_from, p.*, g.gap_first, g.gap_last, g.gap_after, g.gap_before
      from producers p left join lateral (
        select s.producer_seq + 1 as gap_first, s.next_seq - 1 as gap_last, s.occurred_at as gap_after, s.next_at as gap_before from steps s
        where s.producer_id = p.producer_id and s.next_seq > s.producer_seq + 1 order by s.producer_seq desc limit ${limits.producerGapsMax}::bigint
      ) g on true
      order by p.missing desc, p.last_at desc, p.producer_id, g.gap_first desc`,
  );
  const producers = new Map<string, ProducerRow[]>();
  for (const row of rows) producers.set(row.producer_id, [...producers.get(row.producer_id) ?? [], row]);
  const counted = rows[0]?.counted ?? 0;
  const isCapped = counted >= limits.producerEventsMax;
  return {
    countedEvents: counted,
    countedFrom: isCapped ? rows[0]?.counted_from ?? filter.from : filter.from,
    isCapped,
    producers: Array.from(producers.values(), figureOf),
    freshAsOf: transaction.freshAsOf,
  };
}

function figureOf(rows: readonly ProducerRow[]): ProducerFigure {
  const { producer_id, events, first_seq, last_seq, first_at, last_at, missing } = rows[0] as ProducerRow;
  const gaps = rows.flatMap(({ gap_first, gap_last, gap_after, gap_before }) =>
    gap_first === null || gap_last === null || gap_after === null || gap_before === null
      ? []
      : [{ firstSeq: gap_first, lastSeq: gap_last, after: gap_after, before: gap_before }]
  );
  return { producerId: producer_id, events, firstSeq: first_seq, lastSeq: last_seq, firstAt: first_at, lastAt: last_at, missing, gaps };
}

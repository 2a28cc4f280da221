/** Numbers of a producer's counter that no event carries, and the times of the events between which they would have stood. */
export type ProducerGap = { readonly firstSeq: number; readonly lastSeq: number; readonly after: string; readonly before: string };

/** What one producer's counter tells: `missing` events were lost before the log, or refused by it. */
export type ProducerReport = {
  readonly producerId: string;
  readonly events: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly missing: number;
  /** The latest of them. */
  readonly gaps: readonly ProducerGap[];
};

type WireProducer = {
  readonly producer_id: string;
  readonly events: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly missing: number;
  readonly gaps: readonly { readonly first_seq: number; readonly last_seq: number; readonly after: string; readonly before: string }[];
};

/** The reports in an answer of `GET /producers`. */
export function producersOf(body: unknown): ProducerReport[] {
  return (body as { readonly producers: readonly WireProducer[] }).producers.map((producer) => ({
    producerId: producer.producer_id,
    events: producer.events,
    firstSeq: producer.first_seq,
    lastSeq: producer.last_seq,
    firstAt: producer.first_at,
    lastAt: producer.last_at,
    missing: producer.missing,
    gaps: producer.gaps.map(({ first_seq, last_seq, after, before }) => ({ firstSeq: first_seq, lastSeq: last_seq, after, before })),
  }));
}

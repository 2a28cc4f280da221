/** Numbers of a producer's counter that no event carries, and the times of the events between which they would have stood. */
export type ProducerGap = {
  /** First missing number. */
  readonly firstSeq: number;
  /** Last missing number. */
  readonly lastSeq: number;
  /** Time of the event before the gap, RFC 3339. */
  readonly after: string;
  /** Time of the event behind it, RFC 3339. */
  readonly before: string;
};

/** What one producer's counter tells: `missing` events were lost before the log, or refused by it. */
export type ProducerReport = {
  /** `producer_id` of its events. */
  readonly producerId: string;
  /** Events of the window that carry its counter. */
  readonly events: number;
  /** Least number among them. */
  readonly firstSeq: number;
  /** Greatest number among them. */
  readonly lastSeq: number;
  /** Time of the first of them, RFC 3339. */
  readonly firstAt: string;
  /** Time of the last of them, RFC 3339. */
  readonly lastAt: string;
  /** Numbers between the first and the last that no event carries. */
  readonly missing: number;
  /** Runs of missing numbers, the latest ones. */
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

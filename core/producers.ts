/** Numbers of a producer's counter that no event of the window carries, and between which events they would have stood. Both ends belong to it. */
export type ProducerGap = { readonly firstSeq: number; readonly lastSeq: number; readonly after: string; readonly before: string };

/** What the counter of one producer tells: `missing` numbers between its first and its last event of the window, and the latest gaps. */
export type ProducerFigure = {
  readonly producerId: string;
  readonly events: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly missing: number;
  readonly gaps: readonly ProducerGap[];
};

/**
 * Producers by what they miss. A client numbers the events of each tenant from 1 on, those too that it has to give up: so a gap is a loss before the log,
 * or an event that was refused. Counted over the newest `countedEvents` events that carry a counter: those from `countedFrom` on, which is the window's
 * beginning when not `isCapped`.
 */
export type ProducerFigures = {
  readonly countedEvents: number;
  readonly countedFrom: string;
  readonly isCapped: boolean;
  readonly producers: readonly ProducerFigure[];
  readonly freshAsOf: string;
};

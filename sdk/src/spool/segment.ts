/** One file of the spool, as this process knows it. */
export type Segment = {
  readonly name: string;
  /** Open while events are appended to it. */
  file: number | undefined;
  bytes: number;
  written: number;
  acknowledged: number;
  nextNumber: number;
  /** Numbers of events that are not in memory, as ranges in order. */
  unread: [from: number, to: number][];
  unreadCount: number;
  /** Bytes were written that no fsync has covered. */
  dirty: boolean;
  /** A sync runs in the background: the file must stay open until it is over. */
  syncing: boolean;
  /** Another process has taken it over. */
  gone: boolean;
};

export function segment(name: string, file?: number): Segment {
  return {
    name,
    file,
    bytes: 0,
    written: 0,
    acknowledged: 0,
    nextNumber: 1,
    unread: [],
    unreadCount: 0,
    dirty: false,
    syncing: false,
    gone: false,
  };
}

/** Notes that `number` is not in memory. */
export function markUnread(one: Segment, number: number): void {
  const last = one.unread.at(-1);
  if (last !== undefined && number === last[1] + 1) last[1] = number;
  else one.unread.push([number, number]);
  one.unreadCount++;
}

export function isUnread(one: Segment, number: number): boolean {
  return one.unread.some(([from, to]) => number >= from && number <= to);
}

/** True when nothing of it need survive. */
export function isSpent(one: Segment): boolean {
  return one.acknowledged >= one.written;
}

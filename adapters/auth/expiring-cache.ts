/** Remembers values for a bounded time in a bounded room. */
export type ExpiringCache<Value> = {
  get(name: string): Value | undefined;
  /** Remembers `value` as known since `since`. */
  set(name: string, value: Value, since: Date): void;
};

/** A cache of at most `entriesMax` values, none older than `maxAgeMs`. When it is full the entry set longest ago makes room. */
export function expiringCache<Value>(entriesMax: number, maxAgeMs: number, now: () => Date): ExpiringCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly endsAt: number }>();
  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      if (now().getTime() < entry.endsAt) return entry.value;
      entries.delete(name);
      return undefined;
    },
    set(name, value, since) {
      entries.delete(name);
      // A Map lists its keys in the order they were set.
      const oldest = entries.size < entriesMax ? undefined : entries.keys().next().value;
      if (oldest !== undefined) entries.delete(oldest);
      entries.set(name, { value, endsAt: since.getTime() + maxAgeMs });
    },
  };
}

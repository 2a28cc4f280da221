/** The order in which a stack stops: who calls before who is called. */
const ranks = ["scheduler", "gateway", "services", "database", "record"] as const;

export type Shutdown = {
  add(rank: (typeof ranks)[number], stop: () => Promise<void> | void): void;
  /** Stops everything that was added, rank by rank; a fault of one does not keep the others running. Returns the faults. */
  run(): Promise<readonly unknown[]>;
};

export function createShutdown(): Shutdown {
  const entries: { readonly rank: (typeof ranks)[number]; readonly stop: () => Promise<void> | void }[] = [];
  return {
    add(rank, stop) {
      entries.push({ rank, stop });
    },
    async run() {
      const faults: unknown[] = [];
      for (const rank of ranks) {
        const stops = entries.filter((entry) => entry.rank === rank).map(async (entry) => await entry.stop());
        for (const result of await Promise.allSettled(stops)) if (result.status === "rejected") faults.push(result.reason);
      }
      return faults;
    },
  };
}

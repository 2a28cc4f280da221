// What CI watches of the speed of ingest: CPU of one event against CPU of one row by COPY, which other work on the machine's cores changes little.
import { copyByTwoSessions } from "./copy-baseline.ts";
import { benchDayStart, measureIngest } from "./ingest-http.ts";
import { processTreeUsage } from "./process-usage.ts";
import { sampleEvents } from "./sample-events.ts";
import { median } from "./statistics.ts";
import { benchTenant, startSystem } from "./system.ts";

/** CPU of function and PostgreSQL for one event, and that ratio's parts, as medians of alternating rounds. Microseconds; `ratio` is ours to COPY's. */
export type IngestCpu = { readonly ratio: number; readonly functionUs: number; readonly postgresUs: number; readonly copyUs: number };

/** Measures `rounds` rounds of `events` each in databases of their own. */
export async function ingestCpu(rounds: number, events: number): Promise<IngestCpu> {
  const system = await startSystem();
  const measured: IngestCpu[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const database = await system.freshDatabase();
      const rows = sampleEvents({ tenantId: benchTenant, count: events, size: 600, from: benchDayStart() + 3_600_000, seed: round });
      const before = processTreeUsage(system.postgres.pid).cpuSeconds;
      await copyByTwoSessions(database.adminUrl, rows);
      const copyUs = (processTreeUsage(system.postgres.pid).cpuSeconds - before) * 1e6 / events;
      const { cpuUsPerEvent } = await measureIngest(system, database, { name: "guard", clients: 4, batch: 1000, size: 600, events }, round);
      const { function: functionUs, postgres: postgresUs } = cpuUsPerEvent;
      measured.push({ ratio: (functionUs + postgresUs) / copyUs, functionUs, postgresUs, copyUs });
      await database.drop();
    }
  } finally {
    await system.stop();
  }
  const middle = (key: keyof IngestCpu) => median(measured.map((one) => one[key]));
  return { ratio: middle("ratio"), functionUs: middle("functionUs"), postgresUs: middle("postgresUs"), copyUs: middle("copyUs") };
}

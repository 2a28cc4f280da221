// Loaded before time begins: virtual time does not wait for a module, and on a busy machine a whole world would end before bulk logging was there.
import "../src/log-many.ts";
import { conserved, finish, live, type Scenario, scenario, startProcess } from "./scenario.ts";
import { run } from "./world.ts";

/**
 * In which a last process takes over what those that were killed left behind: at once, or when a lock torn by a power cut has been silent for a minute. A
 * clock set back by nearly that much has it dated a minute ahead, so it is another minute until then, and five seconds until somebody looks.
 */
const takeOverMs = 2 * 60_000 + 5000;

/** What is wrong with the world after one seed; empty when nothing is. */
export async function faultsOfSeed(seed: number, withSpool: boolean): Promise<string[]> {
  const in_ = scenario(seed, withSpool);
  const faults: string[] = [];
  const say = (fault: string) => faults.length < 5 && faults.push(`seed ${seed}${withSpool ? " with spool" : ""}: ${fault}`);
  const emptied = await live(in_, (client) => {
    if (!conserved(client.stats())) {
      say(`not conserved at ${in_.world.now}: ${JSON.stringify(client.stats())}`);
    }
  });
  if (!emptied) {
    say(`queue not empty after healing: ${JSON.stringify(in_.processes.map(({ client }) => client.stats()))}`);
  }
  if (withSpool) {
    startProcess(in_);
    await run(in_.world, takeOverMs, () => false);
  }
  await finish(in_);
  const stored = storedNumbers(in_);
  const counts = new Map<number, number>();
  for (const number of stored) {
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  for (const [number, count] of counts) {
    if (count > 1) say(`event ${number} stored ${count} times`);
  }
  const left = [...in_.disk?.names.keys() ?? []];
  // First, for it tells an event that is late from one that is lost.
  if (left.length > 0) say(`left on disk: ${left.join(", ")}`);
  for (const number of in_.taken) {
    if (!counts.has(number) && !in_.rejected.has(number)) {
      say(`event ${number} was taken and is not stored`);
    }
  }
  if (!withSpool) checkWithoutSpool(in_, counts, say);
  return faults;
}

function storedNumbers(in_: Scenario): number[] {
  const events = [...in_.server.stored.values()].map((text) =>
    JSON.parse(text) as {
      readonly event_type: string;
      readonly tenant_id?: string;
      readonly context: Record<string, number>;
    }
  );
  return events.filter(({ event_type }) => event_type === "simulated").map(({ context }) => context["number"] as number);
}

/** Without a spool and without a crash, the client's own counts must explain every event. */
function checkWithoutSpool(in_: Scenario, counts: ReadonlyMap<number, number>, say: (fault: string) => void): void {
  const stats = in_.processes[0]?.client.stats();
  if (stats === undefined) return;
  const events = [...in_.server.stored.values()].map((text) =>
    JSON.parse(text) as {
      readonly event_type: string;
      readonly tenant_id?: string;
      readonly context: Record<string, number>;
      readonly producer_seq: number;
    }
  );
  const reports = events.filter(({ event_type }) => event_type === "audit.sdk.dropped");
  const reported = reports.reduce((sum, { context }) => sum + (context["dropped_count"] ?? 0), 0);
  if (stats.created + stats.duplicate !== in_.server.stored.size) {
    say(`counted ${stats.created + stats.duplicate} stored, the server has ${in_.server.stored.size}`);
  }
  if (counts.size + stats.rejected + stats.dropped.total !== in_.nextEvent - 1) {
    say(`${in_.nextEvent - 1} events logged, ${counts.size} stored, ${stats.rejected} rejected, ${stats.dropped.total} dropped`);
  }
  if (reported !== stats.dropped.total) {
    say(`${stats.dropped.total} dropped, ${reported} reported in the log`);
  }
  // The last events may be the ones that are missing: then no later one shows the gap.
  const lastSeqs = new Map<unknown, number>();
  for (const { tenant_id, producer_seq } of events) lastSeqs.set(tenant_id, Math.max(producer_seq, lastSeqs.get(tenant_id) ?? 0));
  const gaps = [...lastSeqs.values()].reduce((sum, last) => sum + last, 0) - events.length;
  if (gaps > stats.dropped.total + stats.rejected) {
    say(`${gaps} gaps in the producer's counter, ${stats.dropped.total} dropped, ${stats.rejected} rejected`);
  }
}

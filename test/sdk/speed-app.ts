import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createAuditClient } from "../../sdk/src/index.ts";
import { createFileSpool } from "../../sdk/src/spool.ts";

/**
 * One measured round in a process of its own; prints what it saw as JSON. The first argument says what is measured: the client, or, as the control, the
 * least that anybody who logs must do. The folder of a spool is the second, if any.
 */
const [, , measured, directory] = process.argv;

const event = {
  event_type: "order.created",
  actor_id: "user-123",
  actor_type: "user",
  object_type: "order",
  object_id: "order-456",
  message: "an order like any other was created",
  ip_address: "203.0.113.7",
  user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
  context: { order_total: 150, currency: "EUR", items: [{ sku: "a-1", quantity: 2 }, { sku: "b-2", quantity: 1 }] },
};

/** A server that costs this process next to nothing: what is measured is the client. */
const fetch = async (_: string, init: RequestInit) => {
  const count = String(init.body).split('"event_type"').length - 1;
  await new Promise((resolve) => setTimeout(resolve, 20));
  return new Response(JSON.stringify({ created_count: count, duplicate_count: 0, rejected_count: 0, results: [] }), { status: 201 });
};

const client = createAuditClient({
  url: "http://in-process",
  apiKey: "aud_test",
  queueSize: 50_000,
  queueBytes: 64 * 1024 * 1024,
  runtime: { fetch },
  ...directory === undefined ? {} : { spool: createFileSpool({ directory }) },
});
const micros: number[] = [];
const baseline: number[] = [];
const delay = monitorEventLoopDelay({ resolution: 1 });
/** Milliseconds of the processor that this thread took between two ticks of a timer: how long the loop was held up by what is done here, and by nobody else. */
const held: number[] = [];
const processorMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
let tickedMs = processorMs();
setInterval(() => {
  const nowMs = processorMs();
  held.push(nowMs - tickedMs);
  tickedMs = nowMs;
}, 1).unref();

function timed(into: number[], action: () => unknown): void {
  const startedAt = performance.now();
  action();
  into.push((performance.now() - startedAt) * 1000);
}

const disk = directory === undefined ? undefined : openSync(join(directory, `least-of-all-${measured}`), "a");

/** Stamping and writing JSON, to disk when the client does that too: how dear it is here and now tells how busy the machine is. */
function leastOfAll(): void {
  const text = JSON.stringify({ ...event, id: crypto.randomUUID(), occurred_at: new Date().toISOString() });
  if (disk !== undefined) writeSync(disk, `${text}\n`);
}
const logOne = measured === "client" ? () => client.logEventFireAndForget(event) : leastOfAll;

/** Logs at 5,500 events a second. A process that others kept waiting catches up, a hundred at a time, as it would with a hundred requests. */
async function log(count: number): Promise<void> {
  const startedAt = performance.now();
  for (let logged = 0, turn = 0; logged < count; turn++) {
    const due = Math.min(count, Math.ceil((performance.now() - startedAt) * 5.5));
    const end = Math.min(due, logged + 100);
    // After every sleep caches are cold for whoever comes first, so they take turns.
    if (turn % 2 === 0) timed(baseline, leastOfAll);
    for (; logged < end; logged++) timed(micros, logOne);
    if (turn % 2 === 1) timed(baseline, leastOfAll);
    await new Promise((resolve) => void (end < due ? setImmediate(resolve) : setTimeout(resolve, 2)));
  }
}

await log(3000);
micros.length = baseline.length = held.length = 0;
delay.enable();
const startedAt = performance.now();
await log(15_000);
const perSecond = 15_000 / (performance.now() - startedAt) * 1000;
delay.disable();
const p99 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)];
const heldP99Ms = p99(held);
const { stats } = await client.close();
// The monitor's own tick is a millisecond.
const loopP99Ms = (delay.percentile(99) - 1e6) / 1e6;
const seen = { perSecond, p99Micros: p99(micros), baselineP99Micros: p99(baseline), loopP99Ms, heldP99Ms, lost: stats.logged - stats.created };
console.log(JSON.stringify(seen));

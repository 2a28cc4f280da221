import { type AuditClient, type AuditClientOptions, createAuditClient, type EventInput } from "../src/index.ts";
import { createFileSpool } from "../src/spool.ts";
import type { AuditStats } from "../src/stats.ts";
import { cutPower, type Disk, disk, memoryFiles } from "./memory-files.ts";
import { type Faults, noFaults, type Server, server, simulatedFetch } from "./network.ts";
import { run, schedule, simulatedRuntime, type World, world } from "./world.ts";

/** An application process in the simulation; killed, it does nothing more. */
type Process = {
  readonly self: object;
  readonly pid: number;
  readonly client: AuditClient;
};

export type Scenario = {
  readonly world: World;
  readonly server: Server;
  readonly disk: Disk | undefined;
  readonly processes: Process[];
  readonly fsync: "always" | "interval";
  readonly options: AuditClientOptions;
  healed: boolean;
  readonly faults: Faults;
  nextPid: number;
  /** Numbers of events that a client said it has (by returning true, or by a verdict), and of those it gave up or was refused. */
  readonly taken: Set<number>;
  readonly rejected: Set<number>;
  nextEvent: number;
};

const tenants = ["t1", "t2"];
const workMs = 60_000;
/** Two longest waits after a failure, and the longest pause a server asked for. */
const healMs = 2 * 30_000 + 60_000;

/** A world, a server and a kind of network, all drawn from `seed`. */
export function scenario(seed: number, withSpool: boolean): Scenario {
  const in_ = world(seed);
  const { between, chance, pick, random } = in_.dice;
  const some = (max: number) => chance(0.5) ? random() * max : 0;
  const outageStart = in_.now + between(0, workMs);
  const faults: Faults = {
    lost: some(0.1),
    refused: some(0.3),
    swallowed: some(0.4),
    doubled: some(0.3),
    limited: some(0.2),
    failing: some(0.4),
    garbled: some(0.2),
    unauthorized: some(0.1),
    missingDoor: pick([undefined, undefined, "edge", "api"]),
    latencyMsMax: pick([10, 200, 5000]),
    outages: chance(0.5) ? [[outageStart, outageStart + between(1000, workMs)]] : [],
  };
  const options: AuditClientOptions = {
    url: "http://simulated",
    apiKey: "aud_simulated",
    source: "simulation",
    environment: {},
    queueSize: between(1, 120),
    queueBytes: between(500, 60_000),
    batchSize: between(1, 60),
    batchBytes: between(300, 20_000),
    batchAgeMs: between(0, 2000),
    concurrency: between(1, 5),
    edgeAbove: between(0, 40),
    requestTimeoutMs: 10_000,
    // A date, read by a clock that was set meanwhile, may lie an hour ahead: then this is waited for.
    retryAfterCapMs: 20_000,
    logTimeoutMs: between(1000, 40_000),
    whenFull: withSpool ? "spill" : pick(["drop", "block"]),
    onWarning: () => {},
  };
  const fsync = pick(["always", "interval"] as const);
  return {
    world: in_,
    server: server(),
    disk: withSpool ? disk() : undefined,
    processes: [],
    fsync,
    options,
    healed: false,
    faults,
    nextPid: 100,
    taken: new Set(),
    rejected: new Set(),
    nextEvent: 1,
  };
}

export function startProcess(in_: Scenario): Process {
  const self = {};
  const pid = in_.nextPid++;
  const runtime = simulatedRuntime(
    in_.world,
    self,
    simulatedFetch(in_.world, self, in_.server, () => in_.healed ? { ...noFaults, missingDoor: in_.faults.missingDoor } : in_.faults),
  );
  const spool = in_.disk === undefined ? {} : {
    spool: createFileSpool({
      directory: "spool",
      fsync: in_.fsync,
      segmentBytes: 3000,
      scanMs: 5000,
    }, memoryFiles(in_.disk, pid, () => in_.world.now + in_.world.offMs)),
  };
  const client = createAuditClient({
    ...in_.options,
    ...spool,
    runtime,
    onRejected: (event) => void in_.rejected.add(Number(event.context?.["number"])),
  });
  const process = { self, pid, client };
  in_.processes.push(process);
  return process;
}

/** `kill -9`, or the plug of the machine: then every process dies, and the disk forgets what was not synced. */
export function kill(in_: Scenario, victim: Process, power: boolean): void {
  const victims = power ? [...in_.processes] : [victim];
  for (const one of victims) {
    in_.world.dead.add(one.self);
    in_.disk?.living.delete(one.pid);
    in_.processes.splice(in_.processes.indexOf(one), 1);
  }
  if (power && in_.disk !== undefined) cutPower(in_.disk, in_.world.dice);
}

function nextEvent(in_: Scenario): EventInput & { readonly number: number } {
  const { chance, pick, between } = in_.world.dice;
  const number = in_.nextEvent++;
  const fault = chance(0.01) ? { bad: true } : chance(0.005) ? { poison: true } : {};
  return {
    event_type: "simulated",
    tenant_id: pick(tenants),
    context: { number, filler: "x".repeat(between(0, 200)), ...fault },
    number,
  };
}

/** Something an application does, now. */
function work(in_: Scenario): void {
  const { dice } = in_.world;
  if (in_.processes.length === 0) return;
  const { client, self } = dice.pick(in_.processes);
  if ((in_.world.asleep.get(self) ?? 0) > in_.world.now) return;
  const drawn = () => {
    const { number, ...event } = nextEvent(in_);
    return { number, event };
  };
  const kind = dice.between(1, 20);
  if (kind <= 16) {
    for (let left = dice.between(1, 30); left > 0; left--) {
      const { number, event } = drawn();
      if (client.logEventFireAndForget(event)) in_.taken.add(number);
    }
  } else if (kind <= 18) {
    const { number, event } = drawn();
    client.logEvent(event).then(() => in_.taken.add(number), () => {});
  } else {
    const many = Array.from({ length: dice.between(1, 150) }, drawn);
    client.logHighVolumeEvents(many.map(({ event }) => event)).then(({ results }) => {
      for (const { index, status } of results) {
        const number = many[index]?.number ?? 0;
        if (status === "created" || status === "duplicate" || status === "queued") in_.taken.add(number);
      }
    });
  }
}

/** True when the client's own counts explain every event. */
export function conserved({ logged, recovered, sent, dropped, queued, created, duplicate, rejected }: AuditStats): boolean {
  return logged + recovered === sent + dropped.total + queued && sent === created + duplicate + rejected;
}

/** Lets applications work for a minute in the unkind world, killed and restarted when there is a spool; then heals it. False when a queue is not empty in time. */
export async function live(in_: Scenario, check: (client: AuditClient) => void): Promise<boolean> {
  const { world: at } = in_;
  const { between, chance, pick } = at.dice;
  const outside = {};
  const startedAt = at.now;
  for (let count = in_.disk === undefined ? 1 : between(1, 2); count > 0; count--) startProcess(in_);
  for (let tasks = between(5, 40); tasks > 0; tasks--) schedule(at, outside, between(0, workMs), () => work(in_));
  for (let kills = in_.disk === undefined ? 0 : between(0, 4); kills > 0; kills--) {
    schedule(at, outside, between(0, workMs), () => {
      if (in_.processes.length === 0) return;
      kill(in_, pick(in_.processes), in_.fsync === "always" && chance(0.4));
      schedule(at, outside, between(0, 20_000), () => void startProcess(in_));
    });
  }
  for (let sleeps = in_.disk === undefined ? 0 : between(0, 3); sleeps > 0; sleeps--) {
    schedule(
      at,
      outside,
      between(0, workMs / 2),
      () => void (in_.processes.length > 0 && at.asleep.set(pick(in_.processes).self, at.now + between(100, 90_000))),
    );
  }
  for (let jumps = between(0, 2); jumps > 0; jumps--) schedule(at, outside, between(0, workMs), () => void (at.offMs += between(-3_600_000, 3_600_000)));
  schedule(at, outside, workMs, () => void (in_.healed = true));
  const checkAll = () => in_.processes.forEach(({ client }) => check(client));
  // Long enough for the last of those killed to be started again.
  schedule(at, outside, workMs + 20_001, () => {});
  await run(at, workMs + 20_001, () => at.now > startedAt + workMs + 20_000, checkAll);
  if (in_.processes.length === 0) startProcess(in_);
  return await run(at, healMs, () => in_.processes.every(({ client }) => client.stats().queued === 0), checkAll);
}

/** Closes every client in virtual time. */
export async function finish(in_: Scenario): Promise<void> {
  for (const { client } of in_.processes) {
    let done = false;
    void client.close({ timeoutMs: 300_000 }).then(() => done = true);
    await run(in_.world, 400_000, () => done);
  }
}

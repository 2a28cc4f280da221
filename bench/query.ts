// Reading through the query service against the same SQL by a bare connection, on a large log: first pages and hundredth pages, warm and cold.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import pg from "pg";
import { driverQuery } from "../adapters/postgres/driver-query.ts";
import { pageSql } from "../adapters/postgres/query-page.ts";
import { statement } from "../adapters/postgres/query-fragment.ts";
import { filterOf, questionOf } from "../core/query.ts";
import type { Position } from "../core/query-filter.ts";
import type { FilterParameters } from "../core/query-parameters.ts";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { freePort } from "../scripts/stack/free-port.ts";
import { serverFlags } from "../scripts/stack/server-flags.ts";
import { generateLog } from "./generated-log.ts";
import { type QueryCase, queryCases } from "./query-cases.ts";
import type { BenchReport, Row } from "./report.ts";
import { median, quantile } from "./statistics.ts";
import { type BenchDatabase, type BenchSystem, benchTenant, functionEnvironment, startSystem } from "./system.ts";

const pageRows = 100;
const answerTimeoutMs = 60_000;
const deepPage = 100;

export async function benchQuery({ quick }: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  try {
    const database = await system.freshDatabase();
    await generateLog(database.adminUrl, quick ? { rows: 300_000, days: 30 } : { rows: 10_000_000, days: 90 });
    return await measureQueries(database, { samples: quick ? 30 : 200, cold: quick ? undefined : () => makeCold(system) });
  } finally {
    await system.stop();
  }
}

/** How a case went: milliseconds over HTTP and by the bare connection, taken in turns. */
type Timed = { readonly name: string; readonly service: readonly number[]; readonly bare: readonly number[] };

export async function measureQueries(
  database: BenchDatabase,
  { samples, cold }: { readonly samples: number; readonly cold?: (() => Promise<void>) | undefined },
): Promise<BenchReport> {
  const { asked, hot } = await measureWarm(database, samples);
  const firsts = hot.filter(({ name }) => !name.endsWith(deepName));
  const ratio = p99Of(firsts, "service") / p99Of(firsts, "bare");
  const ratios = firsts.map(({ service, bare }) => quantile(service, 0.99) / quantile(bare, 0.99));
  // Only now: to make it cold the server is restarted, and every connection with it.
  const coldRows = cold === undefined ? [] : await measureCold(asked, database, cold);
  return {
    keys: {
      "query.psql_p99_ratio": ratio,
      "query.psql_p99_ratio_median_filter": median(ratios),
      "query.first_page_p99_ms": p99Of(firsts, "service"),
      ...Object.fromEntries(coldRows.map(({ name, median }) => [`query.${name.replaceAll(" ", "_")}`, median])),
    },
    rows: [
      ...hot.flatMap(({ name, service, bare }): Row[] => [
        { name, unit: "ms, median", median: median(service) },
        { name: "  p99", unit: "ms", median: quantile(service, 0.99) },
        { name: "  the same SQL, p99", unit: "ms", median: quantile(bare, 0.99) },
      ]),
      { name: "first pages, p99 : the same SQL's", unit: "×", median: ratio, min: Math.min(...ratios), max: Math.max(...ratios), rounds: ratios.length },
      { name: "  the median filter's", unit: "×", median: median(ratios) },
      ...coldRows,
    ],
  };
}

async function measureWarm(database: BenchDatabase, samples: number): Promise<{ readonly asked: readonly Asked[]; readonly hot: readonly Timed[] }> {
  const service = await startService(database);
  const bare = await bareConnection(database.url);
  try {
    const asked = await prepared(service, database);
    for (const one of asked) await timeOf(one, service, bare, 5);
    const hot: Timed[] = [];
    for (const one of asked) hot.push(await timeOf(one, service, bare, samples));
    return { asked, hot };
  } finally {
    await bare.end();
    await service.stop();
  }
}

function p99Of(timed: readonly Timed[], part: "service" | "bare"): number {
  return quantile(timed.flatMap((one) => one[part]), 0.99);
}

/** The service of the cold samples continues from cursors of the one before. */
const cursorKey = randomBytes(32).toString("base64");

const deepName = `, page ${deepPage}`;

/** A request, and the statement that it comes down to: `vary` makes both anew, so that no page is asked for twice in a row. */
type Asked = { readonly name: string; readonly vary: (turn: number) => { readonly path: string; readonly text: string; readonly values: readonly unknown[] } };

/** Every case's first page, and its hundredth where it has one. */
async function prepared(service: Service, database: BenchDatabase): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (const one of queryCases) {
    asked.push({ name: one.name, vary: (turn) => request(one, turn, undefined, undefined) });
    const deep = await walkTo(service, one);
    if (deep !== undefined) asked.push({ name: `${one.name}${deepName}`, vary: () => request(one, 0, deep.cursor, deep.position) });
  }
  if (asked.length === queryCases.length) throw new Error(`measure queries: no case of ${database.url} has ${deepPage} pages`);
  return asked;
}

function request(one: QueryCase, turn: number, cursor: string | undefined, after: Position | undefined) {
  const parameters = one.parameters(turn);
  const query = new URLSearchParams({ ...parameters, limit: String(pageRows), ...cursor === undefined ? {} : { cursor } });
  const filter = filterOf(questionOf(parameters as FilterParameters, benchTenant), new Date(), 60);
  return { path: `/api/v1/audit/events?${query}`, ...statement(pageSql(filter, "desc", after, pageRows + 1, 0)) };
}

/** The cursor of a case's hundredth page, and the last event before it; undefined where there are fewer. */
async function walkTo(service: Service, one: QueryCase): Promise<{ readonly cursor: string; readonly position: Position } | undefined> {
  let cursor: string | undefined;
  let position: Position | undefined;
  for (let page = 1; page < deepPage; page++) {
    const { body } = await service.get(request(one, 0, cursor, undefined).path);
    const last = body.events.at(-1);
    if (body.next_cursor === null || last === undefined) return undefined;
    cursor = body.next_cursor;
    position = { occurredAt: last.occurred_at, id: last.id };
  }
  return cursor === undefined || position === undefined ? undefined : { cursor, position };
}

// Between the samples, on both sides alike: V8 marks with every core, and 10 ms of that in a sample say nothing of a service.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const samplesBetweenCollections = 10;

async function timeOf(asked: Asked, service: Service, bare: pg.Client, samples: number): Promise<Timed> {
  const times = { service: [] as number[], bare: [] as number[] };
  for (let turn = 0; turn < samples; turn++) {
    if (turn % samplesBetweenCollections === 0) collectGarbage();
    // Odd turns the other way around: whoever comes second finds the pages in memory.
    const both = [async () => times.service.push(await service.time(asked.vary(turn).path)), async () => times.bare.push(await timeBare(bare, asked, turn))];
    for (const one of turn % 2 === 0 ? both : both.reverse()) await one();
  }
  return { name: asked.name, ...times };
}

async function timeBare(bare: pg.Client, asked: Asked, turn: number): Promise<number> {
  const { text, values } = asked.vary(turn);
  const started = performance.now();
  await driverQuery(bare, { text, values: [...values] }, answerTimeoutMs);
  return performance.now() - started;
}

/** One sample a case with nothing in memory, first through the service, then, cold again, by the bare connection. */
async function measureCold(asked: readonly Asked[], database: BenchDatabase, cold: () => Promise<void>): Promise<readonly Row[]> {
  const times = { service: [] as number[], bare: [] as number[] };
  await cold();
  const service = await startService(database);
  for (const one of asked) times.service.push(await service.time(one.vary(1000).path));
  await service.stop();
  await cold();
  const bare = await bareConnection(database.url);
  for (const one of asked) times.bare.push(await timeBare(bare, one, 1000));
  await bare.end();
  return [
    { name: "cold p99 ms", unit: "ms", median: quantile(times.service, 0.99) },
    { name: "cold psql p99 ratio", unit: "×", median: quantile(times.service, 0.99) / quantile(times.bare, 0.99) },
  ];
}

/** Ends what Postgres and, where we may, the kernel have in memory. */
async function makeCold(system: BenchSystem): Promise<void> {
  await system.restart();
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "1");
  } catch {
    console.error("bench: the kernel's cache stays warm: only root may drop it");
  }
}

type Listed = { readonly events: readonly { readonly occurred_at: string; readonly id: string }[]; readonly next_cursor: string | null };
type Service = {
  get(path: string): Promise<{ readonly body: Listed }>;
  /** Milliseconds until the whole answer is here. */
  time(path: string): Promise<number>;
  stop(): Promise<void>;
};

/**
 * The query service in a process of its own, run as in the image, asked with an API key over a connection that stays open. By node:http: `fetch` takes
 * 0.25 ms more a request, and makes garbage enough to be seen in the p99 of a server that answers with a string.
 */
async function startService(database: BenchDatabase): Promise<Service> {
  const port = await freePort();
  const environment = { ...functionEnvironment(database), AUDIT_CURSOR_KEY: cursorKey, HOST: "127.0.0.1", PORT: String(port), PATH: process.env["PATH"] ?? "" };
  const child = spawn(process.execPath, [...serverFlags, join(projectFolder, "api", "server.ts")], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => reject(new Error("measure queries: api/server.ts ended")));
    child.stdout.on("data", (chunk) => String(chunk).includes('"listening"') && resolve());
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { authorization: `Bearer ${database.apiKey}` };
  const read = async (path: string) => {
    const [response] = await once(get({ agent, host: "127.0.0.1", port, path, headers }), "response") as [IncomingMessage];
    const body = await textOf(response);
    if (response.statusCode !== 200) throw new Error(`measure queries: ${path}: ${response.statusCode} ${body}`);
    return body;
  };
  return {
    get: async (path) => ({ body: JSON.parse(await read(path)) }),
    time: async (path) => {
      const started = performance.now();
      await read(path);
      return performance.now() - started;
    },
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** As whoever sits at psql would read what this caller may: the same role, the same claims, set once. */
async function bareConnection(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (value: unknown) => value } as never });
  await client.connect();
  const claims = JSON.stringify({ sub: "bench", app_metadata: { tenant_id: benchTenant, audit_role: "admin" } });
  await client.query("set role authenticated; set timezone = 'UTC'; set jit = off; set default_transaction_read_only = on");
  await client.query("select set_config('request.jwt.claims', $1, false)", [claims]);
  return client;
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { createHistory } from "./history.ts";
import { checkHistory } from "./history-check.ts";
import { recomputeLeafHash, type StoredRow } from "./history-leaf.ts";
import { type LoadOptions, makeId, readVerdicts, startLoad } from "./load-client.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Event = Record<string, string>;

/** A store with one door, which `misbehave` may spoil: it gets the events of a request and may answer in the door's place. */
async function startStore(misbehave: (response: ServerResponse, store: (events: Event[]) => string, events: Event[], nth: number) => boolean) {
  const rows = new Map<string, StoredRow>();
  const store = (events: Event[]) => {
    const results = events.map((event, index) => {
      const status = rows.has(event["id"] ?? "") ? "duplicate" : "created";
      if (status === "created") rows.set(event["id"] ?? "", rowOf(event));
      return { index, id: event["id"], status, leaf_hash: rows.get(event["id"] ?? "")?.["leaf_hash"]?.slice(2) };
    });
    return JSON.stringify({ results });
  };
  let requests = 0;
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const nth = requests++;
    const { events } = JSON.parse(await text(request));
    if (misbehave(response, store, events, nth)) return;
    response.writeHead(201).end(store(events));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, rows };
}

function rowOf(event: Event): StoredRow {
  const occurredAt = (event["occurred_at"] ?? "").replace("T", " ").replace("Z", "+00");
  const row = { ...event, occurred_at: occurredAt, received_at: occurredAt, principal: "p", context: JSON.stringify(event["context"]) };
  return { ...row, leaf_hash: `\\x${recomputeLeafHash(row)}` };
}

function optionsFor(urls: readonly string[]): LoadOptions {
  return {
    urls,
    headers: {},
    tenantIds: [tenantId],
    clients: 2,
    batchSize: 5,
    eventsPerSecond: 2000,
    requestTimeoutMs: 150,
    giveUpAfterMs: 2_000,
    retryDelayMs: 5,
    seed: 1,
    history: createHistory(),
  };
}

async function runFor(options: LoadOptions, ms: number) {
  const load = startLoad(options);
  await new Promise((resolve) => setTimeout(resolve, ms));
  await load.stop();
  return load;
}

describe("startLoad()", () => {
  it("keeps its rate, and records what an honest store answers as an honest history", async () => {
    const { url, rows } = await startStore(() => false);
    const options = { ...optionsFor([url]), requestTimeoutMs: 10_000, giveUpAfterMs: 30_000 };
    const startedMs = performance.now();
    const load = startLoad(options);
    while (rows.size <= 300 || performance.now() - startedMs < 500) await new Promise((resolve) => setTimeout(resolve, 5));
    await load.stop();
    const seconds = (performance.now() - startedMs) / 1000;
    const report = checkHistory(options.history.records(), [...rows.values()]);
    expect(report.findings).toEqual([]);
    expect(load.unexpected).toEqual([]);
    expect(load.counts).toEqual({ acknowledged: rows.size, givenUp: 0 });
    expect(rows.size).toBeLessThan(300 + options.eventsPerSecond * seconds);
  });

  it("posts the same ids again, elsewhere, until there is a verdict: after silence, a reset, 503 and a cut answer", async () => {
    const stuck = await startStore(() => true);
    const { url, rows } = await startStore((response, store, events, nth) => {
      if (nth % 4 === 0) response.destroy();
      if (nth % 4 === 1) response.writeHead(503).end("{}");
      if (nth % 4 === 2) response.writeHead(201).end(store(events).slice(0, -9));
      return nth % 4 < 3;
    });
    const options = { ...optionsFor([stuck.url, url]), giveUpAfterMs: 30_000 };
    const load = await runFor(options, 400);
    const report = checkHistory(options.history.records(), [...rows.values()]);
    expect(report.findings).toEqual([]);
    expect(report.totals.unknown).toBe(0);
    expect(report.totals.acknowledged).toBe(rows.size);
    expect(load.requests.some((request) => request.status === "none")).toBe(true);
    expect(load.unexpected.every((answer) => answer.startsWith("201: no JSON"))).toBe(true);
  });

  it("exposes a store that acknowledges and forgets", async () => {
    const { url, rows } = await startStore(() => false);
    const options = { ...optionsFor([url]), requestTimeoutMs: 10_000, giveUpAfterMs: 30_000 };
    const load = startLoad(options);
    while (rows.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await load.stop();
    rows.delete([...rows.keys()][0] ?? "");
    expect(checkHistory(options.history.records(), [...rows.values()]).counts.lost).toBe(1);
  });

  it("gives up at its deadline, and says 500 is unexpected", async () => {
    const { url } = await startStore((response) => {
      response.writeHead(500).end("oops");
      return true;
    });
    const load = await runFor({ ...optionsFor([url]), giveUpAfterMs: 100 }, 150);
    expect(load.counts.givenUp).toBeGreaterThan(0);
    expect(load.unexpected[0]).toBe("500: no JSON: oops");
  });
});

describe("readVerdicts()", () => {
  const batch = [{ marker: "m", tenantId, fields: { id: "a" } }];
  const answer = (result: object) => JSON.stringify({ results: [result] });

  it("reads created, duplicate, conflict and rejected", () => {
    expect(readVerdicts(201, answer({ index: 0, id: "a", status: "created", leaf_hash: "ff" }), batch)).toEqual(
      new Map([["m", { type: "ok", status: "created", leafHash: "ff" }]]),
    );
    expect(readVerdicts(207, answer({ index: 0, id: "a", status: "conflict" }), batch)).toEqual(new Map([["m", { type: "fail", code: "conflict" }]]));
    expect(readVerdicts(422, answer({ index: 0, status: "rejected", error: { code: "too_long" } }), batch)).toEqual(
      new Map([["m", { type: "fail", code: "too_long" }]]),
    );
  });

  it("takes no verdict from an answer that leaves one out, changes the order or the id, or has another status", () => {
    expect(readVerdicts(201, '{"results":[]}', batch)).toBe("0 results for 1 events");
    expect(readVerdicts(201, answer({ index: 1, id: "a", status: "created" }), batch)).toBe("result 0 is about event 1");
    expect(readVerdicts(201, answer({ index: 0, id: "b", status: "created" }), batch)).toBe("result 0 answers with another id");
    expect(readVerdicts(503, answer({ index: 0, id: "a", status: "created" }), batch)).toBeTypeOf("string");
  });
});

describe("makeId()", () => {
  it("is a version-7 UUID whose first 48 bits are the time", () => {
    expect(makeId(0x0123456789ab, () => 0.999)).toMatch(/^01234567-89ab-7f{3}-bf{3}-f{12}$/);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../core/limits.ts";
import { createQueryClient } from "../../sdk/src/query.ts";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { type NewEvent, type Service, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { randomOf } from "../support/payloads-seed.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";
import { follow } from "./follow.ts";

const writers = 8;
const total = 20_000;
const batch = 100;
const seed = Number(process.env["AUDIT_TEST_SEED"] ?? Date.now() % 1_000_000);

describe(`GET /events/stream against ${writers} writers, seed ${seed}`, () => {
  let log: TestLog;
  let service: Service;
  let server: ServerProcess;
  let edge: TestFunction;
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    const environment = testEnvironment(log.database);
    [server, edge] = await Promise.all([startServer(environment), startFunction("audit-api", { env: environment })]);
  });
  afterAll(async () => {
    await server?.stop();
    await edge?.stop();
    await service?.stop();
    await log?.close();
  });

  it("gives each event once, in the order of the log, over connections cut at random: from the server, the function and the SDK", async () => {
    const headers = { authorization: `Bearer ${await tokenOf("viewer")}` };
    const random = randomOf(seed);
    const cutAfter = () => 10_000 + Math.floor(random() * 1_000_000);
    const until = ({ events }: { readonly events: readonly unknown[] }) => events.length >= total;
    const path = "/api/v1/audit/events/stream";
    const client = createQueryClient({ apiUrl: edge.url, apiKey: (await service.makeKey(tenantA, ["read"])).text, verifyReceipts: true });
    const bySdk = async () => {
      const ids: string[] = [];
      for await (const { event } of client.events.stream({ event_type: "stream.written" }, { after: "0" })) {
        ids.push(event.id);
        if (ids.length >= total) return ids;
      }
      return ids;
    };
    let writing = true;
    const sealing = (async () => {
      while (writing) await log.seal({}, { waitMs: 200, budgetMs: 1_000 });
      await log.seal();
    })();
    const followers = Promise.all([
      follow(`${server.url}${path}`, { headers, from: "0", cutAfter, until }),
      follow(`${edge.url}${path}`, { headers, from: "0", cutAfter, until }),
      follow(`${server.url}${path}?object_id=writer-3`, { headers, from: "0", cutAfter, until: ({ events }) => events.length >= total / writers }),
      bySdk(),
    ]);
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(server.url, writer)));
    writing = false;
    await sealing;
    const [fromServer, fromEdge, ofOne, fromSdk] = await followers;
    const { rows } = await log.admin.query(
      `select e.id, e.object_id from audit_log.tiles t cross join lateral unnest(t.ids, t.seqs) with ordinality as leaf (id, seq, at)
        join audit_log.events e on e.tenant_id = t.tenant_id and e.id = leaf.id where t.tenant_id = $1 and t.level = 0 order by t.tile_index, leaf.at`,
      [tenantA],
    );
    const order = rows.map(({ id }) => id as string);
    expect(order).toHaveLength(total);
    expect(new Set(order).size).toBe(total);
    for (const followed of [fromServer, fromEdge]) {
      expect(followed.events.map(({ id }) => id)).toEqual(order);
      expect(followed.positions).toEqual(order.map((_, index) => String(index + 1)));
      expect(followed.connections).toBeGreaterThan(10);
    }
    expect(fromSdk).toEqual(order);
    expect(ofOne.events.map(({ id }) => id)).toEqual(rows.filter((row) => row.object_id === "writer-3").map(({ id }) => id));
    // More than the function hands out in one stream: it ended some of them itself, between two frames.
    expect(total).toBeGreaterThan(limits.streamEdgeEventsMax);
    expect(edge.stderr()).toContain('"reason":"bounds"');
  });

  async function write(url: string, writer: number): Promise<void> {
    for (let sent = 0; sent < total / writers; sent += batch) {
      const events = Array.from({ length: batch }, (_, n): NewEvent => ({
        tenant_id: tenantA,
        event_type: "stream.written",
        object_type: "writer",
        object_id: `writer-${writer}`,
        context: { n: sent + n },
      }));
      const answer = await fetch(`${url}/api/v1/audit/events`, {
        method: "POST",
        headers: { apikey: secretKey, "content-type": "application/json", prefer: "return=minimal" },
        body: JSON.stringify({ events: [...events, { tenant_id: tenantB, event_type: "stream.foreign" }] }),
      });
      if (answer.status !== 201) throw new Error(`write: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  }
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { json, type ServerDouble, startServerDouble, text } from "../test/server-double.ts";
import { type ApiFault, AuditApiError, AuditReceiptError, createQueryClient, type QueryClient, type StoredEvent } from "./query.ts";
import { platformRuntime } from "./runtime.ts";
import { leafHashOf } from "./verify.ts";

let double: ServerDouble;
let client: QueryClient;

beforeAll(async () => void (double = await startServerDouble()));
afterAll(async () => await double.stop());
beforeEach(() => {
  double.requests.length = 0;
  client = createQueryClient({ url: double.url, apiKey: "aud_read", tenantId: "t1" });
});

function stored(number: number): StoredEvent {
  const event = {
    tenant_id: "t1",
    occurred_at: "2026-11-22T10:00:00.000Z",
    id: `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    received_at: "2026-11-22T10:00:01.000Z",
    principal: "key:a",
    event_type: "order.created",
    result: "success" as const,
  };
  return { ...event, leaf_hash: leafHashOf(event) };
}

const query = (path: string) => Object.fromEntries(new URL(path, "http://x").searchParams);

describe("events.list()", () => {
  it("asks with the names of the wire and answers camelCase around snake_case events", async () => {
    double.behave = (_, response) => json(response, 200, { events: [stored(1)], next_cursor: "c1", fresh_as_of: "2026-11-22T10:00:02.000Z", partial: true });
    const page = await client.events.list({ from: new Date("2026-11-01"), event_type: "order.created", ip_address: "10.0.0.0/8", q: "a b" }, {
      limit: 10,
      order: "asc",
    });
    expect(page).toEqual({ events: [stored(1)], nextCursor: "c1", freshAsOf: "2026-11-22T10:00:02.000Z", partial: true });
    expect(double.requests[0]?.path).toMatch(/^\/api\/v1\/audit\/events\?/);
    expect(query(double.requests[0]?.path ?? "")).toEqual({
      tenant_id: "t1",
      from: "2026-11-01T00:00:00.000Z",
      event_type: "order.created",
      ip_address: "10.0.0.0/8",
      q: "a b",
      limit: "10",
      order: "asc",
    });
    expect(double.requests[0]?.headers["authorization"]).toBe("Bearer aud_read");
  });

  it("throws what the problem says", async () => {
    const errors: ApiFault[] = [
      { code: "invalid_value", pointer: "from", message: "is no date" },
      { code: "invalid_query", pointer: "q", message: "the key before the colon is not known", position: 0, length: 4, hint: "did you mean actor?" },
    ];
    double.behave = (_, response) => json(response, 400, { code: "invalid_parameter", detail: "list events: from is no date", request_id: "r1", errors });
    const error = await client.events.list().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuditApiError);
    expect(error).toMatchObject({ status: 400, code: "invalid_parameter", message: "list events: from is no date", requestId: "r1", errors });
    expect(double.requests).toHaveLength(1);
  });

  it("asks again after a fault that may pass, and no more often than it was told", async () => {
    let left = 2;
    double.behave = (_, response) =>
      left-- > 0 ? json(response, 503, {}, { "retry-after": "0" }) : json(response, 200, { events: [], next_cursor: null, fresh_as_of: "" });
    await expect(client.events.list()).resolves.toMatchObject({ events: [], nextCursor: undefined });
    double.behave = (_, response) => json(response, 503, {}, { "retry-after": "0" });
    double.requests.length = 0;
    await expect(createQueryClient({ url: double.url, apiKey: "k", retries: 1 }).events.list()).rejects.toMatchObject({ status: 503, code: "http_503" });
    expect(double.requests).toHaveLength(2);
  });

  it("asks again when the body breaks off or is none of the API's, and says so in its own words when that does not help", async () => {
    let broken = 2;
    double.behave = (_, response) => {
      if (broken-- <= 0) return json(response, 200, { events: [stored(1)], next_cursor: null, fresh_as_of: "" });
      if (broken > 0) return text(response, 200, "<html>sign in to the network</html>");
      response.writeHead(200, { "content-length": "1000" }).write('{"events":[');
      return setTimeout(() => response.destroy(), 20), true;
    };
    expect((await client.events.list()).events).toEqual([stored(1)]);
    broken = 1000;
    for (const ask of [() => client.events.list(), () => client.events.get("00000000-0000-7000-8000-000000000001"), () => client.producers()]) {
      await expect(ask()).rejects.toMatchObject({ name: "AuditApiError", status: 0, code: "network" });
    }
  });

  it("says that there was no answer at all", async () => {
    const away = createQueryClient({ url: "http://127.0.0.1:9", apiKey: "k", retries: 0 });
    await expect(away.events.list()).rejects.toMatchObject({ name: "AuditApiError", status: 0, code: "network" });
  });

  it("stops when the caller does: before it asks, while it waits for an answer, and before it asks again", async () => {
    const stopped = { name: "AuditApiError", status: 0, code: "network", message: "ask API: enough" };
    await expect(client.events.list({}, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toMatchObject(stopped);
    const waiting = new AbortController();
    double.behave = () => {
      waiting.abort(new Error("enough"));
      return true;
    };
    await expect(client.events.list({}, { signal: waiting.signal })).rejects.toMatchObject(stopped);
    const pausing = new AbortController();
    const runtime = {
      setTimer: (fire: () => void, ms: number, isPause: boolean) => {
        if (isPause) setTimeout(() => pausing.abort(new Error("enough")));
        return platformRuntime.setTimer(fire, ms, isPause);
      },
    };
    double.behave = (_, response) => json(response, 503, {}, { "retry-after": "20" });
    const patient = createQueryClient({ url: double.url, apiKey: "k", runtime });
    await expect(patient.events.list({}, { signal: pausing.signal })).rejects.toMatchObject(stopped);
  });

  it("does not wait for a token that never comes", async () => {
    const getToken = () => new Promise<string>(() => {});
    const hanging = createQueryClient({ url: double.url, getToken, timeoutMs: 50, retries: 0 });
    await expect(hanging.events.list()).rejects.toMatchObject({ code: "network", message: "ask API: no answer within 50 ms" });
    await expect(hanging.events.list({}, { signal: AbortSignal.abort(new Error("stopped")) })).rejects.toMatchObject({ message: "ask API: stopped" });
    expect(double.requests).toEqual([]);
  });

  it("follows no redirect: neither credential nor question go elsewhere, and nothing from there counts as the log", async () => {
    double.behave = ({ path }, response) =>
      path.startsWith("/elsewhere")
        ? json(response, 200, { events: [stored(1)] })
        : text(response, 307, "", { location: `${double.url.replace("127.0.0.1", "localhost")}/elsewhere` });
    await expect(createQueryClient({ url: double.url, apiKey: "sb_secret_x" }).events.list()).rejects.toMatchObject({ status: 307 });
    expect(double.requests).toHaveLength(1);
  });

  it("fetches a stale token again", async () => {
    double.behave = ({ headers }, response) =>
      headers["authorization"] === "Bearer new" ? json(response, 200, { events: [], next_cursor: null, fresh_as_of: "" }) : json(response, 401, {});
    const user = createQueryClient({ url: double.url, getToken: ({ refresh }) => refresh ? "new" : "old" });
    await expect(user.events.list()).resolves.toMatchObject({ events: [] });
  });

  it("refuses events whose leaf hash is not that of their fields, when asked to check", async () => {
    const checking = createQueryClient({ url: double.url, apiKey: "k", verifyReceipts: true });
    double.behave = (_, response) => json(response, 200, { events: [{ ...stored(1), href: "events/1" }], next_cursor: null, fresh_as_of: "" });
    await expect(checking.events.list()).resolves.toMatchObject({ events: [{ id: stored(1).id }] });
    double.behave = (_, response) => json(response, 200, { events: [stored(1), { ...stored(2), actor_id: "mallory" }], next_cursor: null, fresh_as_of: "" });
    await expect(checking.events.list()).rejects.toBeInstanceOf(AuditReceiptError);
    await expect(client.events.list()).resolves.toMatchObject({ events: [{}, {}] });
  });
});

describe("events.iterate()", () => {
  it("follows cursors to the last page, empty and partial ones too", async () => {
    const pages = [{ events: [stored(1), stored(2)], next_cursor: "a" }, { events: [], next_cursor: "b", partial: true }, {
      events: [stored(3)],
      next_cursor: null,
    }];
    double.behave = ({ path }, response) => json(response, 200, { ...pages[{ a: 1, b: 2 }[query(path)["cursor"] ?? ""] ?? 0], fresh_as_of: "" });
    const ids: string[] = [];
    for await (const event of client.events.iterate({ actor_id: "alice" }, { limit: 2 })) ids.push(event.id);
    expect(ids).toEqual([1, 2, 3].map((number) => stored(number).id));
    expect(double.requests.every(({ path }) => query(path)["actor_id"] === "alice")).toBe(true);
  });
});

describe("events.get()", () => {
  it("gives the event, or undefined when there is none", async () => {
    double.behave = ({ path }, response) =>
      path.includes("/events/1?") ? json(response, 200, { event: stored(1) }) : json(response, 404, { code: "not_found" });
    await expect(client.events.get("1", { at: "2026-11-22T10:00:00Z" })).resolves.toEqual(stored(1));
    await expect(client.events.get("2")).resolves.toBeUndefined();
    expect(query(double.requests[0]?.path ?? "")).toEqual({ tenant_id: "t1", at: "2026-11-22T10:00:00Z" });
  });

  it("does not take a wrong address for a missing event", async () => {
    double.behave = (_, response) => json(response, 404, {});
    await expect(client.events.get("1")).rejects.toMatchObject({ status: 404, code: "http_404" });
  });
});

describe("events.export()", () => {
  const collect = async (chunks: AsyncIterable<Uint8Array>) => {
    let all = "";
    for await (const chunk of chunks) all += new TextDecoder().decode(chunk);
    return all;
  };
  const manifest = '{"audit_events_export":{"rows":2}}\n';

  it("hands out NDJSON that ends with its manifest, and refuses one that was cut", async () => {
    double.behave = (_, response) => text(response, 200, `{"id":1}\n{"id":2}\n${manifest}`);
    await expect(collect(client.events.export({ source: "shop" }))).resolves.toBe(`{"id":1}\n{"id":2}\n${manifest}`);
    expect(query(double.requests[0]?.path ?? "")).toEqual({ tenant_id: "t1", source: "shop", format: "ndjson" });
    double.behave = (_, response) => text(response, 200, '{"id":1}\n');
    await expect(collect(client.events.export())).rejects.toMatchObject({ code: "cut_short" });
  });

  it("joins the parts of a bounded service, the CSV header once", async () => {
    double.behave = ({ path }, response) => {
      const second = query(path)["cursor"] === "next";
      const headers = second
        ? { "audit-export-complete": "true" }
        : { "audit-export-complete": "false", link: '<?cursor=next>; rel="next"', "audit-export-rows": "1" };
      response.writeHead(200, headers);
      response.write("id,type\n");
      response.end(second ? "2,b\n" : "1,a\n");
      return true;
    };
    await expect(collect(client.events.export({}, { format: "csv" }))).resolves.toBe("id,type\n1,a\n2,b\n");
    const parts = [];
    for await (const part of client.events.exportParts({}, { format: "parquet" })) parts.push({ rows: part.rows, text: await collect(part.bytes) });
    expect(parts).toEqual([{ rows: 1, text: "id,type\n1,a\n" }, { rows: undefined, text: "id,type\n2,b\n" }]);
    await expect(collect(client.events.export({}, { format: "parquet" }))).rejects.toMatchObject({ code: "export_in_parts" });
  });
});

describe("events.stream()", () => {
  it("gives every event once, over connections that break in the middle of a frame, and resumes after the last", async () => {
    const frame = (number: number) => `id: p${number}\r\ndata: ${JSON.stringify(stored(number))}\r\n\r\n`;
    let connection: { destroy(): unknown } | undefined;
    double.behave = ({ headers }, response) => {
      const after = Number((headers["last-event-id"] ?? "p0").slice(1));
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": heartbeat\n\n");
      const sent = frame(after + 1) + frame(after + 2).slice(0, 60);
      for (const piece of [sent.slice(0, 7), sent.slice(7, 100), sent.slice(100)]) response.write(piece);
      connection = response;
      return true;
    };
    const seen: [string, string][] = [];
    for await (const { event, position } of client.events.stream({}, { after: "p4" })) {
      seen.push([event.id, position]);
      // Its frame came with the first half of the next. What is not yet read when a connection breaks is lost with it, so not before.
      connection?.destroy();
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([5, 6, 7].map((number) => [stored(number).id, `p${number}`]));
  });

  it("ends with the reason when the service refuses", async () => {
    double.behave = (_, response) => json(response, 403, { code: "forbidden", detail: "stream events: the key lacks the scope" });
    await expect(client.events.stream().next()).rejects.toMatchObject({ code: "forbidden" });
  });

  it("ends when the caller does", async () => {
    const stop = new AbortController();
    double.behave = (_, response) => {
      text(response, 200, ":\n\n", { "content-type": "text/event-stream" }, false);
      setTimeout(() => stop.abort(), 20);
      return true;
    };
    await expect(client.events.stream({}, { signal: stop.signal }).next()).resolves.toMatchObject({ done: true });
  });
});

describe("events.receipt() and producers()", () => {
  it("ask where the service has them", async () => {
    double.behave = ({ path }, response) =>
      path.includes("/receipt")
        ? text(response, 200, "c2sp.org/tlog-proof@v1\n")
        : json(response, 200, { producers: [{ producer_id: "p", missing: 2, gaps: [{ first_seq: 3, last_seq: 4, after: "a", before: "b" }] }] });
    await expect(client.events.receipt("1")).resolves.toBe("c2sp.org/tlog-proof@v1\n");
    await expect(client.producers()).resolves.toMatchObject([{ producerId: "p", missing: 2, gaps: [{ firstSeq: 3, lastSeq: 4, after: "a", before: "b" }] }]);
    expect(double.requests.map(({ path }) => path.replace(/\?.*/, ""))).toEqual(["/api/v1/audit/events/1/receipt", "/api/v1/audit/producers"]);
  });
});

import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverFlags } from "../../scripts/stack/server-flags.ts";
import { limits } from "../../core/limits.ts";
import { testEnvironment } from "../support/tokens.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";
import { seedWideEvents } from "./wide-events.ts";

const wideRows = 600;

describe("exports of one server at once", () => {
  let service: Service;
  let server: ServerProcess;
  const sub = "44444444-4444-4444-8444-444444444444";
  beforeAll(async () => {
    service = await startService();
    for (const tenantId of [tenantA, tenantB]) {
      await service.store(tenantId, [{}]);
      await seedWideEvents(service.admin, tenantId, wideRows);
    }
    server = await startServer(testEnvironment(service.database), { flags: serverFlags });
  });
  afterAll(async () => {
    await server?.stop();
    await service?.stop();
  });

  const url = (path: string) => `${server.url}/api/v1/audit${path}`;
  const records = async (type: string) => {
    const { rows } = await service.admin.query("select result from audit_log.events where event_type = $1 and principal = $2", [type, `user:${sub}`]);
    return rows as readonly { readonly result: string }[];
  };

  it("take turns when there are fifty, so that the process lives on and lists are answered", async () => {
    const [one, other] = await Promise.all([tokenOf("auditor"), tokenOf("auditor", [tenantB])]);
    // Nobody reads on: each export holds as much as it ever will.
    const stalled = await Promise.all(Array.from({ length: 40 }, () => stalledExport(url("/events/export?format=parquet"), one)));
    const letIn = stalled.filter(({ status }) => status === 200);
    expect(letIn).toHaveLength(limits.exportsPerTenantMax);
    expect(stalled.filter(({ status }) => status === 503)).toHaveLength(40 - limits.exportsPerTenantMax);
    expect(stalled.find(({ status }) => status === 503)?.retryAfter).toBe("5");
    const list = await fetch(url("/events?limit=3"), { headers: { authorization: `Bearer ${one}` } });
    expect(list.status).toBe(200);
    const others = await fetch(url("/events/export?format=ndjson&q=-source:audit-events"), { headers: { authorization: `Bearer ${other}` } });
    expect((await others.text()).trimEnd().split("\n")).toHaveLength(wideRows + 2);
    // One place is free again as soon as its client has gone.
    const waiting = stalledExport(url("/events/export"), one);
    letIn[0]?.end();
    const next = await waiting;
    expect(next.status).toBe(200);
    for (const { end } of [...stalled, next]) end();
  });

  it("leave their places, and are on record, whenever their clients go away", async () => {
    const token = await tokenOf("auditor", [tenantA], sub);
    await Promise.all(Array.from({ length: 40 }, (_, turn) => goneAfter(server.url, token, turn * 3)));
    const answer = await fetch(url("/events/export?format=csv"), { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    await answer.text();
    await expect.poll(async () => (await records("audit.events.exported")).length === (await records("audit.events.export_started")).length, {
      timeout: 20_000,
    })
      .toBe(true);
    expect((await records("audit.events.exported")).filter(({ result }) => result === "success")).not.toHaveLength(0);
    // Whoever goes away breaks nothing.
    expect(server.log().split("\n").filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

type Stalled = { readonly status: number | undefined; readonly retryAfter: string | undefined; readonly end: () => void };

/** Asks, takes the head of the answer, and reads nothing of its body. */
function stalledExport(url: string, token: string): Promise<Stalled> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { authorization: `Bearer ${token}` }, agent: false }, (answer) => {
      answer.on("error", () => {});
      resolve({ status: answer.statusCode, retryAfter: answer.headers["retry-after"], end: () => asked.destroy() });
    });
    asked.on("error", reject).end();
  });
}

/** Asks for an export and is gone so many milliseconds later, whatever has come until then. */
function goneAfter(url: string, token: string, ms: number): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET /api/v1/audit/events/export?format=ndjson HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
      setTimeout(() => socket.destroy(), ms);
    });
    socket.on("error", () => {}).on("close", () => resolve());
  });
}

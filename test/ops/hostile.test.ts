import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { type Service, startService, tenantA, tokenOf } from "../api/service.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { testEnvironment } from "../support/tokens.ts";
import { parsePrometheus, valueOf } from "./prometheus.ts";

const metricsToken = "tokenOfTheHostileTestsMetrics";

describe("a caller who breaks off, or asks for nonsense", () => {
  let service: Service;
  let server: ServerProcess;
  let edge: TestFunction;
  let viewer: string;
  let admin: string;
  beforeAll(async () => {
    service = await startService();
    const environment = { ...testEnvironment(service.database), AUDIT_METRICS_TOKEN: metricsToken };
    [server, edge] = await Promise.all([startServer(environment), startFunction("audit-api", { env: environment })]);
    [viewer, admin] = await Promise.all([tokenOf("viewer"), tokenOf("admin")]);
    await service.store(tenantA, [{}]);
  });
  afterAll(async () => {
    await server?.stop();
    await edge?.stop();
    await service?.stop();
  });
  const openStreams = async (url: string) => {
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } });
    return valueOf(parsePrometheus(await answer.text()), "audit_streams_open");
  };
  const places = () => [["server", server.url], ["function", edge.url]] as const;

  it("gives the places of streams back that were cut before their first byte, or right behind it", async () => {
    for (const [where, base] of places()) {
      const url = new URL(base);
      const head = `GET ${url.pathname.replace(/\/$/, "")}/api/v1/audit/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${viewer}\r\n\r\n`;
      for (let round = 0; round < 4; round++) {
        await Promise.all(Array.from({ length: 60 }, (_, index) => cutAfter(Number(url.port), head, index)));
      }
      await expect.poll(() => openStreams(base), { message: where }).toBe(0);
      const control = new AbortController();
      const again = await fetch(`${base}/api/v1/audit/events/stream`, { headers: { authorization: `Bearer ${viewer}` }, signal: control.signal });
      expect({ where, status: again.status }).toEqual({ where, status: 200 });
      control.abort();
    }
  });

  it("never gets a fault of ours for an answer, whatever stands in the path, the query or the header of a position", async () => {
    const nonsense = ["%00", "%E0%A4%A", "%FF", "..%2f..%2fhealthz", "%20", "a".repeat(3_000), "__proto__", "%F0%9F%98%80", "'--", "0".repeat(12)];
    const paths = ["keys/", "keys?cursor=", "keys?limit=", "keys?tenant_id=", "events/stream?tenant_id=", "events/stream?q=", "events/stream?from="];
    for (const [where, base] of places()) {
      for (const path of [...paths.map((one) => `api/v1/audit/${one}`), "docs/", "docs?", "readyz?", "healthz/", "metrics?", "openapi.json?"]) {
        for (const text of nonsense) {
          const control = new AbortController();
          const answer = await fetch(`${base}/${path}${text}`, { headers: { authorization: `Bearer ${admin}` }, signal: control.signal });
          expect.soft(answer.status, `${where} ${path}${text.slice(0, 20)}`).toBeLessThan(500);
          control.abort();
        }
      }
      for (const position of ["-1", "1e3", "0x1", "1.0", "9".repeat(30), "%D9%A3", "NaN", "1,2", "+1"]) {
        const control = new AbortController();
        const headers = { authorization: `Bearer ${viewer}`, "last-event-id": position };
        const answer = await fetch(`${base}/api/v1/audit/events/stream`, { headers, signal: control.signal });
        expect.soft({ where, position, status: answer.status }).toEqual({ where, position, status: 400 });
        control.abort();
      }
    }
  });

  it("gets no more than a head for a HEAD, and nothing for a method that there is not", async () => {
    for (const [where, base] of places()) {
      for (const path of ["/healthz", "/readyz", "/docs", "/openapi.json", "/api/v1/audit/keys", "/api/v1/audit/events/stream"]) {
        const headers = { authorization: `Bearer ${admin}` };
        const head = await fetch(`${base}${path}`, { method: "HEAD", headers });
        expect.soft({ where, path, status: head.status, text: await head.text() }).toEqual({ where, path, status: 200, text: "" });
        const wrong = await fetch(`${base}${path}`, { method: "PATCH", headers });
        expect.soft({ where, path, status: wrong.status, allow: wrong.headers.get("allow")?.includes("GET") }).toEqual({
          where,
          path,
          status: 405,
          allow: true,
        });
      }
    }
    expect(await openStreams(server.url)).toBe(0);
  });
});

/** Sends `head` and cuts the connection `ms` later, as a phone in a tunnel does. */
function cutAfter(port: number, head: string, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(head));
    socket.on("error", () => undefined).on("close", () => resolve()).resume();
    setTimeout(() => socket.resetAndDestroy(), ms);
  });
}

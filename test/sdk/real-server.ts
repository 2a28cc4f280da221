import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { runSql, startOwnPostgres } from "../support/postgres-process.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { testEnvironment } from "../support/tokens.ts";
import { type Service, startService, tenantA } from "../api/service.ts";

/** Both doors over one real PostgreSQL, behind one port as in the local stack. */
export type RealServer = {
  readonly url: string;
  readonly service: Service;
  /** A key that may store and read. */
  readonly key: string;
  readonly postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
  /** Milliseconds that every request waits before it is passed on. */
  delayMs: number;
  /** False: the bulk API answers nobody, as if it were not there. */
  hasApi: boolean;
  /** SIGKILL of the function's process; requests fail until it is started again. */
  readonly killFunction: () => void;
  readonly startFunction: () => Promise<void>;
  /** `object_id` of every event of this type, as they are in the table. */
  readonly stored: (eventType: string) => Promise<string[]>;
  readonly stop: () => Promise<void>;
};

export async function startRealServer(): Promise<RealServer> {
  const postgres = await startOwnPostgres();
  const service = await startService({ database: { name: "postgres", url: postgres.url, adminUrl: postgres.adminUrl, drop: () => Promise.resolve() } });
  const { text: key } = await service.makeKey(tenantA, ["ingest", "read", "export"]);
  let current: TestFunction | undefined;
  const real = {
    service,
    key,
    postgres,
    delayMs: 0,
    hasApi: true,
    killFunction: () => {
      current?.kill("SIGKILL");
      current = undefined;
    },
    startFunction: async () => void (current = await startFunction("audit-logger", { env: testEnvironment({ url: postgres.url }) })),
    stored: async (eventType: string) =>
      (await runSql<{ object_id: string }>(postgres.adminUrl, "select object_id from audit_log.events where event_type = $1", [eventType])).map((row) =>
        row.object_id
      ),
  };
  await real.startFunction();
  const http = createServer((request, response) => void pass(request, response, real, () => current).catch(() => response.destroy()));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    http.closeAllConnections();
    http.close();
    await current?.stop();
    await service.stop().catch(() => undefined);
    await postgres.remove();
  };
  return Object.assign(real, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, stop });
}

/** Hands a request on as the gateway does; a door that is down breaks the connection. */
async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  real: Pick<RealServer, "delayMs" | "hasApi" | "service">,
  current: () => TestFunction | undefined,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (real.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, real.delayMs));
  const isFunction = request.url?.startsWith("/functions/v1/audit-logger") === true;
  const target = isFunction ? current() : undefined;
  if (isFunction ? target === undefined : !real.hasApi) return void response.destroy();
  const headers = new Headers(
    Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === "string" && !/^(host|connection|content-length)$/.test(name) ? [[name, value] as [string, string]] : []
    ),
  );
  const init: RequestInit = { method: request.method ?? "GET", headers, ...chunks.length > 0 ? { body: Buffer.concat(chunks) } : {} };
  const answer = target === undefined ? await real.service.app.request(`http://127.0.0.1${request.url}`, init) : await fetch(target.url, init);
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
}

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { handle, type Server, server } from "../simulation/network.ts";

/** A request as the double saw it. */
export type SeenRequest = { readonly method: string; readonly path: string; readonly headers: Record<string, string>; readonly body: string };

/** What a test may put in the place of an answer; undefined lets the double answer by itself. */
export type Behaviour = (request: SeenRequest, response: ServerResponse) => boolean | undefined | Promise<boolean | undefined>;

export type ServerDouble = {
  readonly url: string;
  readonly events: Server["stored"];
  readonly requests: SeenRequest[];
  /** Asked before every answer; true means that it has answered, or will. */
  behave: Behaviour;
  readonly stop: () => Promise<void>;
};

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, apikey, content-type, prefer, last-event-id",
  "access-control-expose-headers": "retry-after, link, audit-export-rows, audit-export-complete, audit-export-sha256",
};

/** Both doors over real HTTP on the loopback: the same model of the contract as the simulation's. Reading routes are a test's own to answer. */
export async function startServerDouble(): Promise<ServerDouble> {
  const model = server();
  const double = { events: model.stored, requests: [] as SeenRequest[], behave: (() => undefined) as Behaviour };
  const http = createServer((request, response) => void answer(request, response, model, double));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const stop = () => {
    http.closeAllConnections();
    return new Promise<void>((resolve) => http.close(() => resolve()));
  };
  return Object.assign(double, { url: `http://127.0.0.1:${port}`, stop });
}

async function answer(request: IncomingMessage, response: ServerResponse, model: Server, double: Pick<ServerDouble, "requests" | "behave">): Promise<void> {
  for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
  if (request.method === "OPTIONS") return void response.writeHead(204).end();
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return;
  }
  const seen: SeenRequest = {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
  };
  double.requests.push(seen);
  if (await double.behave(seen, response)) return;
  if (request.method !== "POST") return void response.writeHead(404, { "content-type": "application/json" }).end('{"code":"not_found"}');
  const { status, body } = handle(model, seen.body, seen.headers["prefer"] === "return=minimal", new Date().toISOString());
  response.writeHead(status, { "content-type": "application/json" }).end(body);
}

/** The events of a request. */
export function eventsOf(request: SeenRequest): Record<string, unknown>[] {
  return (JSON.parse(request.body) as { readonly events: Record<string, unknown>[] }).events;
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): true {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  return true;
}

/** The same with a body as it is; `end` false leaves the connection open. */
export function text(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}, end = true): true {
  response.writeHead(status, headers).write(body);
  if (end) response.end();
  return true;
}

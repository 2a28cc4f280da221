import { randomUUID } from "node:crypto";
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { AuditError, problemOf } from "../../core/errors.ts";

/** Headers of one connection, RFC 9110 section 7.6.1: they end here, in either direction. `Expect` was answered by our own server already. */
const hopByHop = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });

/** Requests under way by port. Streams do not count once they have begun: they last until their server ends them, and clients resume them. */
const underWay = new Map<number, number>();

/** Resolves when no request to `port` is under way, or after `graceMs`. */
export async function drained(port: number, graceMs: number): Promise<void> {
  for (const deadline = performance.now() + graceMs; underWay.has(port) && performance.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Counts a request to `port`; the answer tells that it is over, and may be called twice. */
function begin(port: number): () => void {
  underWay.set(port, (underWay.get(port) ?? 0) + 1);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    const left = (underWay.get(port) ?? 1) - 1;
    if (left === 0) underWay.delete(port);
    else underWay.set(port, left);
  };
}

/** Streams `request` to `path` of the server on `port` of this machine, and its answer back. Whoever gives up first ends the other side too. */
export function forward(request: IncomingMessage, response: ServerResponse, port: number, path: string): void {
  const over = begin(port);
  const upstream = httpRequest({ agent, host: "127.0.0.1", port, path, method: request.method, headers: requestHeaders(request) });
  // A small answer must not wait for the acknowledgement of the one before it.
  upstream.setNoDelay(true);
  let answered = false;
  upstream.once("response", (answer) => {
    answered = true;
    if (isEventStream(answer)) over();
    sendBack(answer, response);
  });
  upstream.on("error", () => {
    request.unpipe(upstream).resume();
    // A service may answer and hang up before it has read the whole body: then its answer counts, not the body that could not be sent.
    if (answered) return;
    if (upstream.reusedSocket && mayRepeat(request) && !response.destroyed) return forward(request, response, port, path);
    refuse(request, response, new AuditError("unavailable", "forward request: the service behind it does not answer", { retryAfterSeconds: 1 }));
  });
  response.once("close", () => {
    over();
    // Also when the answer came before the end of the request: the service would wait for the rest of it.
    if (response.writableFinished && upstream.writableFinished) return;
    request.unpipe(upstream).resume();
    upstream.destroy();
  });
  sendBody(request, upstream);
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  // `pipeline` would destroy the client's connection when the service answers before it has read the body, and with it that answer.
  if (hasBody(request)) request.pipe(upstream);
  else upstream.end();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/**
 * Whether `request` may be sent again (RFC 9112 section 9.3.1) after the connection that it was sent on turned out to be closed: a service ends idle ones when
 * it likes, sometimes just as they are taken again. That fails each connection once, so it does not go on for ever.
 */
function mayRepeat(request: IncomingMessage): boolean {
  return !hasBody(request) && /^(GET|HEAD|OPTIONS)$/.test(request.method ?? "");
}

function sendBack(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, withoutHopByHop(answer));
  // Events of a stream are sent one by one, and its headers before the first.
  if (isEventStream(answer)) response.flushHeaders();
  // An answer that breaks off breaks off here too, so that nobody takes its beginning for the whole.
  pipeline(answer, response, () => {});
}

function isEventStream(answer: IncomingMessage): boolean {
  return answer.headers["content-type"]?.startsWith("text/event-stream") === true;
}

/** Answers a problem of the gateway's own. */
export function refuse(request: IncomingMessage, response: ServerResponse, error: AuditError): void {
  const requestId = randomUUID();
  const problem = problemOf(error, requestId);
  const retry = error.retryAfterSeconds === undefined ? {} : { "retry-after": String(error.retryAfterSeconds) };
  const headers = { "content-type": "application/problem+json", "x-request-id": requestId, "access-control-allow-origin": "*", ...retry };
  response.writeHead(problem.status, headers).end(JSON.stringify(problem));
  // What the client still sends is read and dropped, so that it gets to read the answer.
  request.resume();
}

/** The client's headers as they came, but those of its connection, and with its address appended to X-Forwarded-For as Supabase's gateway does. */
function requestHeaders(request: IncomingMessage): string[] {
  const headers = withoutHopByHop(request, "x-forwarded-for");
  const hops = request.headers["x-forwarded-for"];
  const peer = request.socket.remoteAddress ?? "";
  headers.push("X-Forwarded-For", hops === undefined ? peer : `${hops}, ${peer}`);
  return headers;
}

/** Names and values in turn, in the order and spelling in which they came. */
function withoutHopByHop(message: IncomingMessage, dropped?: string): string[] {
  const named = new Set((message.headers.connection ?? "").toLowerCase().split(",").map((name) => name.trim()));
  const headers: string[] = [];
  for (let index = 0; index + 1 < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index] as string;
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || lower === dropped) continue;
    headers.push(name, message.rawHeaders[index + 1] as string);
  }
  return headers;
}

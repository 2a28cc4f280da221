import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "./free-port.ts";
import { type Gateway, PortTakenError, type Routes, startGateway } from "./gateway.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function upstream(handler: Handler): Promise<number> {
  const server: Server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" ? address?.port ?? 0 : 0;
}

/** A gateway before a function `echo` on `port`, and an API on `apiPort`. */
async function gateway(port: number | undefined, routes: Partial<Routes> = {}): Promise<{ url: string; port: number; stop: Gateway["stop"] }> {
  const listening = await freePort();
  const running = await startGateway(listening, {
    functionPort: (name) => name === "echo" ? port : "absent",
    apiPort: () => "absent",
    keySet: () => ({ keys: [] }),
    readiness: () => Promise.resolve({ ready: true, checks: { database: { status: "ok" } } }),
    ...routes,
  });
  let stopping: Promise<void> | undefined;
  const stop = (graceMs: number) => stopping ??= running.stop(graceMs);
  stops.push(() => stop(0));
  return { url: `http://127.0.0.1:${listening}`, port: listening, stop };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const echo: Handler = (request, response) => {
  void bodyOf(request).then((body) => {
    response.writeHead(207, "Multi-Status", [["X-Twice", "a"], ["X-Twice", "b"], ["Content-Type", "application/json"]].flat());
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.rawHeaders, body: body.toString("base64") }));
  });
};

/** One request with full control of its headers. */
async function send(url: string, options: { method?: string; headers?: string[]; body?: string | Buffer } = {}) {
  const request = httpRequest(url, { method: options.method ?? "GET", headers: options.headers ?? ["Host", "127.0.0.1"] });
  // Whoever answers before it has read everything may hang up on the rest.
  request.on("error", () => {});
  request.end(options.body);
  const [response] = await once(request, "response") as [IncomingMessage];
  const body = await bodyOf(response);
  return {
    status: response.statusCode,
    statusMessage: response.statusMessage,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    text: body.toString(),
  };
}

describe("startGateway()", () => {
  it("hands a function its request and the client its answer, unchanged", async () => {
    const { url } = await gateway(await upstream(echo));
    const body = Buffer.from([0, 255, 13, 10, 128]);
    const headers = ["Host", "project.example:1", "Content-Length", "5", "X-Case", "Kept", "X-Case", "twice"];
    const answer = await send(`${url}/functions/v1/echo/deep/path?a=%2F&b`, { method: "PUT", headers, body });
    expect(answer).toMatchObject({ status: 207, statusMessage: "Multi-Status" });
    expect(answer.rawHeaders.filter((_value, index) => index % 2 === 1 && answer.rawHeaders[index - 1] === "X-Twice")).toEqual(["a", "b"]);
    const seen = JSON.parse(answer.text);
    expect(seen).toMatchObject({ method: "PUT", url: "/echo/deep/path?a=%2F&b", body: body.toString("base64") });
    expect(seen.headers.slice(0, headers.length)).toEqual(headers);
  });

  it("appends the client's address to X-Forwarded-For and keeps what stood there", async () => {
    const { url } = await gateway(await upstream(echo));
    const forwarded = async (headers: string[]) => {
      const seen: string[] = JSON.parse((await send(`${url}/functions/v1/echo`, { headers: ["Host", "x", ...headers] })).text).headers;
      return seen.filter((_value, index) => seen[index - 1]?.toLowerCase() === "x-forwarded-for");
    };
    expect(await forwarded([])).toEqual(["127.0.0.1"]);
    expect(await forwarded(["X-Forwarded-For", "203.0.113.9", "x-forwarded-for", "198.51.100.7"])).toEqual(["203.0.113.9, 198.51.100.7, 127.0.0.1"]);
  });

  it("keeps a connection's own headers to itself, also those that Connection names", async () => {
    const { url } = await gateway(await upstream(echo));
    const headers = [
      "Host",
      "x",
      "Connection",
      "keep-alive, X-Private",
      "X-Private",
      "1",
      "TE",
      "trailers",
      "Proxy-Authorization",
      "Basic eA==",
      "X-Public",
      "1",
    ];
    const seen: string[] = JSON.parse((await send(`${url}/functions/v1/echo`, { headers })).text).headers;
    const names = seen.filter((_value, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names).toContain("x-public");
    expect(names).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(x-private|te|proxy-authorization)$/)]));
  });

  it("streams both ways: the service reads the first byte before the last is sent, and so does the client", async () => {
    const { url } = await gateway(await upstream((request, response) => request.pipe(response)));
    const request = httpRequest(`${url}/functions/v1/echo`, { method: "POST", headers: { "transfer-encoding": "chunked" } });
    request.write("one");
    const [response] = await once(request, "response") as [IncomingMessage];
    expect(String((await once(response, "data"))[0])).toBe("one");
    request.end("two");
    expect(String((await once(response, "data"))[0])).toBe("two");
  });

  it("sends an event stream's headers before its first event", async () => {
    const { url } = await gateway(await upstream((_request, response) => response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()));
    const response = await fetch(`${url}/functions/v1/echo`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    await response.body?.cancel();
  });

  it("ends the service's request when the client goes away", async () => {
    const closed = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const { url } = await gateway(
      await upstream((request) => {
        request.once("close", () => closed.resolve());
        began.resolve();
      }),
    );
    const request = httpRequest(`${url}/functions/v1/echo`);
    request.once("error", () => {});
    request.end();
    await began.promise;
    request.destroy();
    await closed.promise;
  });

  it("breaks the client's answer off when the service breaks off, instead of ending it", async () => {
    const { url } = await gateway(
      await upstream((_request, response) => {
        response.writeHead(200).write("half", () => response.destroy());
      }),
    );
    await expect(fetch(`${url}/functions/v1/echo`).then((response) => response.text())).rejects.toThrow();
  });

  it("passes on an answer that the service gives before it has read a large body", async () => {
    const { url } = await gateway(await upstream((_request, response) => response.writeHead(413).end("too large")));
    const answer = await send(`${url}/functions/v1/echo`, { method: "POST", body: Buffer.alloc(20_000_000) });
    expect(answer).toMatchObject({ status: 413, text: "too large" });
  });

  it("does not leave the service waiting for the rest of a request that it has answered", async () => {
    const closed = Promise.withResolvers<void>();
    const service = createTcpServer((socket) => {
      socket.on("error", () => {}).once("close", () => closed.resolve()).once("data", () => socket.write("HTTP/1.1 401 No\r\ncontent-length: 4\r\n\r\nwho?"));
    }).listen(0, "127.0.0.1");
    await once(service, "listening");
    stops.push(() => void service.close());
    const address = service.address();
    const { url } = await gateway(typeof address === "object" ? address?.port : undefined);
    const request = httpRequest(`${url}/functions/v1/echo`, { method: "POST", headers: { "content-length": "100" } });
    request.on("error", () => {});
    request.write("the beginning");
    const [response] = await once(request, "response") as [IncomingMessage];
    expect((await bodyOf(response)).toString()).toBe("who?");
    await closed.promise;
    request.destroy();
  });

  it.each([
    ["a function that is down", undefined, "/functions/v1/echo", 503, "unavailable"],
    ["a function that nobody has", undefined, "/functions/v1/other", 404, "not_found"],
    ["a path outside every route", undefined, "/functions/v2/echo", 404, "not_found"],
  ])("answers for %s with a problem", async (_case, port, path, status, code) => {
    const { url } = await gateway(port);
    const response = await fetch(`${url}${path}`, { method: "POST", body: "{}" });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("retry-after")).toBe(status === 503 ? "1" : null);
    expect(await response.json()).toMatchObject({ status, code });
  });

  it.each([["GET", 200], ["POST", 503]])("answers %s with %s when the service closes an idle connection just as it is used again", async (method, status) => {
    let connections = 0;
    const server = createTcpServer((socket) => {
      const isFirst = ++connections === 1;
      let requests = 0;
      socket.on("error", () => {});
      socket.on("data", () => {
        if (isFirst && ++requests === 2) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    stops.push(() => void server.close());
    const { url } = await gateway((server.address() as { readonly port: number }).port);
    const ask = async () => {
      const response = await fetch(`${url}/functions/v1/echo`, { method, ...method === "POST" ? { body: "{}" } : {} });
      await response.arrayBuffer();
      return response.status;
    };
    expect([await ask(), await ask(), await ask()]).toEqual([200, status, 200]);
  });

  it("answers 503 when the service's port is dead", async () => {
    const { url } = await gateway(await freePort());
    const response = await fetch(`${url}/functions/v1/echo`, { method: "POST", body: "{}" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    await response.body?.cancel();
  });

  it("sends everything else to the API when there is one", async () => {
    const apiPort = await upstream(echo);
    const { url } = await gateway(undefined, { apiPort: () => apiPort });
    for (const path of ["/", "/api/v1/audit/events?limit=1", "/healthz", "/metrics", "/assets/index.js"]) {
      expect(JSON.parse((await send(`${url}${path}`)).text).url).toBe(path);
    }
  });

  it("says on /readyz what is missing, and answers /healthz itself where there is no API", async () => {
    const checks = { database: { status: "fault", reason: "it is down" } } as const;
    const { url } = await gateway(undefined, { readiness: () => Promise.resolve({ ready: false, checks }) });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: "not_ready", checks });
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
  });

  it("throws PortTakenError at once when somebody listens there", async () => {
    const { port } = await gateway(undefined);
    await expect(gatewayOn(port)).rejects.toThrow(PortTakenError);
  });

  it("waits for a port that is only lent to an outgoing connection", async () => {
    const far = createTcpServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(far, "listening");
    const address = far.address();
    const localPort = await freePort();
    const socket = connect({ port: typeof address === "object" ? address?.port ?? 0 : 0, host: "127.0.0.1", localPort });
    await once(socket, "connect");
    const started = gatewayOn(localPort);
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.resetAndDestroy();
    await started;
    far.close();
  });
});

describe("stop()", () => {
  it("lets a request in flight end and takes no new one", async () => {
    const began = Promise.withResolvers<ServerResponse>();
    const { url, stop } = await gateway(await upstream((_request, response) => began.resolve(response)));
    const answer = fetch(`${url}/functions/v1/echo`);
    const response = await began.promise;
    const stopped = stop(10_000);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    response.end("done");
    expect(await (await answer).text()).toBe("done");
    await stopped;
  });

  it("breaks a stream off that does not end by itself", async () => {
    const { url, stop } = await gateway(
      await upstream((_request, response) => response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()),
    );
    const response = await fetch(`${url}/functions/v1/echo`);
    const reading = response.text();
    await Promise.all([expect(reading).rejects.toThrow(), stop(50)]);
  });
});

async function gatewayOn(port: number): Promise<void> {
  const routes: Routes = {
    functionPort: () => "absent",
    apiPort: () => "absent",
    keySet: () => ({}),
    readiness: () => Promise.resolve({ ready: true, checks: {} }),
  };
  const running = await startGateway(port, routes);
  stops.push(() => running.stop(0));
}

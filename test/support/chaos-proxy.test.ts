import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type ChaosProxy, startChaosProxy, type Target } from "./chaos-proxy.ts";
import { createMessageSplitter, isCommitComplete } from "./chaos-proxy-postgres.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that sends back what it gets, and counts it. */
async function startEcho(): Promise<{ port: number; received: () => string }> {
  let text = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", (chunk) => {
      text += chunk;
      socket.write(chunk);
    });
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, received: () => text };
}

async function startProxy(port: number, protocol: NonNullable<Target["protocol"]> = "tcp"): Promise<ChaosProxy> {
  const proxy = await startChaosProxy({ host: "127.0.0.1", port, protocol }, 1);
  closers.push(() => proxy.close());
  return proxy;
}

/** A client that remembers what it read, in how many chunks, and how the connection ended. */
async function dial(port: number): Promise<{ socket: Socket; chunks: Buffer[]; text: () => string; ended: Promise<string> }> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    socket.on("end", () => resolve("end"));
  });
  await Promise.race([once(socket, "connect").catch(() => {}), ended]);
  closers.push(() => Promise.resolve(socket.destroy()));
  return { socket, chunks, text: () => Buffer.concat(chunks).toString(), ended };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("wait for a condition: not met within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("startChaosProxy()", () => {
  it("passes bytes unchanged, both ways, without faults", async () => {
    const echo = await startEcho();
    const proxy = await startProxy(echo.port);
    const client = await dial(proxy.port);
    client.socket.write("hello");
    await until(() => client.text() === "hello");
    expect(proxy.counts).toMatchObject({ connections: 1, bytesToServer: 5, bytesToClient: 5, resets: 0, swallowed: 0 });
  });

  it("delays by latencyMs in each direction", async () => {
    const proxy = await startProxy((await startEcho()).port);
    proxy.set({ latencyMs: 60 });
    const client = await dial(proxy.port);
    const start = performance.now();
    client.socket.write("x");
    await until(() => client.text() === "x");
    expect(performance.now() - start).toBeGreaterThanOrEqual(118);
  });

  it("cuts the stream into single bytes and loses none", async () => {
    const proxy = await startProxy((await startEcho()).port);
    proxy.set({ bytesPerWrite: 1, latencyMs: 1 });
    const client = await dial(proxy.port);
    client.socket.write("abcdefgh");
    await until(() => client.text() === "abcdefgh");
    expect(client.chunks.length).toBeGreaterThan(4);
  });

  it("holds bytes back without closing, and delivers them when healed", async () => {
    const echo = await startEcho();
    const proxy = await startProxy(echo.port);
    proxy.set({ hold: ["to-client"] });
    const client = await dial(proxy.port);
    client.socket.write("held");
    await until(() => echo.received() === "held");
    expect(client.text()).toBe("");
    proxy.heal();
    await until(() => client.text() === "held");
  });

  it("closes after exactly so many bytes towards the server", async () => {
    const echo = await startEcho();
    const proxy = await startProxy(echo.port);
    proxy.set({ closeAfterBytes: { "to-server": 3 } });
    const client = await dial(proxy.port);
    client.socket.write("abcdef");
    await client.ended;
    await until(() => echo.received() === "abc");
  });

  it("resets a connection: by chance, by cut(), and at once while it refuses", async () => {
    const proxy = await startProxy((await startEcho()).port);
    proxy.set({ resetProbability: 1 });
    const first = await dial(proxy.port);
    first.socket.write("x");
    expect(await first.ended).toBe("ECONNRESET");
    proxy.heal();
    const second = await dial(proxy.port);
    second.socket.write("x");
    await until(() => second.text() === "x");
    proxy.cut();
    expect(await second.ended).toBe("ECONNRESET");
    proxy.set({ refuse: true });
    expect(await (await dial(proxy.port)).ended).toBe("ECONNRESET");
  });

  it("freezes what is open, for good, and lets new connections through", async () => {
    const echo = await startEcho();
    const proxy = await startProxy(echo.port);
    const old = await dial(proxy.port);
    old.socket.write("1");
    await until(() => old.text() === "1");
    proxy.freeze();
    old.socket.write("2");
    const young = await dial(proxy.port);
    young.socket.write("3");
    await until(() => young.text() === "3");
    proxy.heal();
    expect([echo.received(), old.text()]).toEqual(["13", "1"]);
  });

  it("resets the client when the server is not there", async () => {
    const echo = await startEcho();
    const proxy = await startProxy(echo.port);
    await closers.shift()?.();
    expect(await (await dial(proxy.port)).ended).toBe("ECONNRESET");
  });

  it("lets an HTTP request through and swallows its answer", async () => {
    let handled = 0;
    const server = createHttpServer((request, response) => {
      handled++;
      request.resume();
      response.end("answer");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    const proxy = await startProxy(port);
    const url = proxy.through(`http://localhost:${port}/path`);
    expect(url).toBe(`http://127.0.0.1:${proxy.port}/path`);
    proxy.set({ swallow: { answer: "http", probability: 1, then: "reset" } });
    await expect(fetch(url, { method: "POST", body: "x" })).rejects.toThrow();
    proxy.set({ swallow: { answer: "http", probability: 1, then: "hang" } });
    const patience = new AbortController();
    const hanging = expect(fetch(url, { method: "POST", body: "x", signal: patience.signal })).rejects.toThrow("waited long enough");
    await until(() => proxy.counts.swallowed === 2);
    setTimeout(() => patience.abort(new Error("waited long enough")), 200);
    await hanging;
    expect(handled).toBe(2);
    proxy.heal();
    expect(await (await fetch(url, { method: "POST", body: "x" })).text()).toBe("answer");
  });

  it("repeats its choices with the seed", async () => {
    const outcomes: string[] = [];
    for (let run = 0; run < 2; run++) {
      const proxy = await startProxy((await startEcho()).port);
      proxy.set({ resetProbability: 0.3 });
      let line = "";
      for (let n = 0; n < 12; n++) {
        const client = await dial(proxy.port);
        client.socket.write("x");
        line += await Promise.race([client.ended.then(() => "r"), until(() => client.text() === "x").then(() => ".")]);
      }
      outcomes.push(line);
    }
    expect(outcomes[0]).toMatch(/r/);
    expect(outcomes[0]).toMatch(/\./);
    expect(outcomes[1]).toBe(outcomes[0]);
  });
});

/** `type`, length and body, as a PostgreSQL server would send them. */
function messageOf(type: string, body: string): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type, 0, "latin1");
  bytes.writeUInt32BE(4 + body.length, 1);
  bytes.write(body, 5, "latin1");
  return bytes;
}

describe("createMessageSplitter()", () => {
  it("finds the same messages however the stream is cut", () => {
    const stream = Buffer.concat([messageOf("T", "row"), messageOf("C", "SELECT 1\0"), messageOf("C", "COMMIT\0"), messageOf("Z", "I")]);
    for (let size = 1; size <= stream.length; size++) {
      const split = createMessageSplitter();
      const types: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        for (const message of split(stream.subarray(at, at + size))) types.push(isCommitComplete(message) ? "commit" : message.type);
      }
      expect(types, `in pieces of ${size}`).toEqual(["T", "C", "commit", "Z"]);
    }
  });

  it("takes neither another tag nor a row that holds the word for an answer to COMMIT", () => {
    const split = createMessageSplitter();
    const stream = [messageOf("C", "COMMIT PREPARED\0"), messageOf("D", "COMMIT\0"), messageOf("C", "ROLLBACK\0")];
    expect(split(Buffer.concat(stream)).map(isCommitComplete)).toEqual([false, false, false]);
  });
});

describe("a proxy before PostgreSQL", () => {
  it("passes all but the answer to COMMIT", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.write(Buffer.concat([messageOf("C", "INSERT 0 1\0"), messageOf("C", "COMMIT\0"), messageOf("Z", "I")])));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const proxy = await startProxy((server.address() as AddressInfo).port, "postgres");
    proxy.set({ swallow: { answer: "commit", probability: 1, then: "hang" } });
    const client = await dial(proxy.port);
    client.socket.write("commit");
    await until(() => proxy.counts.swallowed === 1 && client.text().includes("INSERT"));
    expect(client.text()).toBe(messageOf("C", "INSERT 0 1\0").toString());
    proxy.heal();
    expect(await client.ended).toBe("ECONNRESET");
  });
});

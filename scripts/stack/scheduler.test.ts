import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { startScheduler } from "./scheduler.ts";

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/job`;
}

const everySecond = "* * * * * *";

describe("startScheduler()", () => {
  it("posts with the secret key, and never while the call before still runs", async () => {
    const seen: { method: string | undefined; key: unknown; body: string }[] = [];
    let running = 0;
    let most = 0;
    const url = await serve((request, response) => {
      most = Math.max(most, ++running);
      request.setEncoding("utf8").once("data", (body: string) => seen.push({ method: request.method, key: request.headers["apikey"], body }));
      setTimeout(() => {
        running--;
        response.end("{}");
      }, 1_200);
    });
    const scheduler = startScheduler([{ name: "job", pattern: everySecond, url }], "sb_secret_x", () => {});
    stops.unshift(() => scheduler.stop());
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(2);
    expect(most).toBe(1);
    expect(seen[0]).toEqual({ method: "POST", key: "sb_secret_x", body: "{}" });
  });

  it("reports a job that fails once, and once more when it works again", async () => {
    let calls = 0;
    const url = await serve((_request, response) => response.writeHead(++calls <= 2 ? 500 : 200).end(`answer ${calls}`));
    const lines: string[] = [];
    const scheduler = startScheduler([{ name: "job", pattern: everySecond, url }], "k", (line) => lines.push(line));
    stops.unshift(() => scheduler.stop());
    await expect.poll(() => calls).toBeGreaterThanOrEqual(4);
    expect(lines).toEqual(["job fails: it answered 500: answer 1", "job works again"]);
  });

  it("breaks a call off when it stops, and says nothing of it", async () => {
    const called = Promise.withResolvers<void>();
    const url = await serve(() => called.resolve());
    const lines: string[] = [];
    const scheduler = startScheduler([{ name: "job", pattern: everySecond, url }], "k", (line) => lines.push(line));
    await called.promise;
    await scheduler.stop();
    expect(lines).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../core/limits.ts";
import { countStoredRows } from "../support/history-rows.ts";
import { type Framing, sendFraming } from "../support/nasties-framings.ts";
import { secretKey } from "../support/tokens.ts";
import { type Door, openDoor, tenantA } from "./door.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const head = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\napikey: ${secretKey}\r\ncontent-length: ${length}\r\n\r\n`;

/** Bodies that never end: a client that stops, and one that sends a byte now and then to look alive. */
const stalled: readonly Framing[] = [
  { name: "stops in its body", statuses: [408], send: async (socket, { path, body }) => void socket.write(head(path, body.length) + body.slice(0, 20)) },
  {
    name: "sends one byte a second",
    statuses: [408],
    async send(socket, { path, body }) {
      socket.write(head(path, body.length * 10));
      for (const byte of `${body}${" ".repeat(body.length * 9)}`) {
        if (socket.destroyed) return;
        socket.write(byte);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    },
  },
];

describe("a client that", () => {
  it.each(stalled)("$name is told 408 within its time and a second, and keeps nobody else waiting", { timeout: 60_000 }, async (framing) => {
    const { hostname, port, pathname } = new URL(door.url);
    const body = JSON.stringify({ events: [{ event_type: "stalled.sent", tenant_id: tenantA }] });
    const before = await countStoredRows(door.database.adminUrl);
    const target = { host: hostname, port: Number(port), path: pathname, head: "", body };
    const waiting = Array.from({ length: 40 }, () => sendFraming(framing, target, limits.bodyReadTimeoutMs + 10_000));
    const startMs = performance.now();
    expect((await door.post(body)).status).toBe(201);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    for (const { status, durationMs } of await Promise.all(waiting)) {
      expect(status).toBe(408);
      expect(durationMs).toBeLessThan(limits.bodyReadTimeoutMs + 1_000);
    }
    expect(await countStoredRows(door.database.adminUrl)).toBe(before + 1);
  });
});

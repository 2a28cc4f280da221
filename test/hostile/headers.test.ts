import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStoredRows } from "../support/history-rows.ts";
import { recomputeLeafHash } from "../support/history-leaf.ts";
import { sendFraming } from "../support/nasties-framings.ts";
import { seedFor } from "../support/payloads-seed.ts";
import { publishableKey } from "../support/tokens.ts";
import { type Door, openDoor, tenantA } from "./door.ts";
import { inParallel } from "./in-parallel.ts";

let door: Door;
beforeAll(async () => {
  // Whoever has the publishable key may post here: the caller from whose headers most is stored.
  door = await openDoor({ env: { AUDIT_ANON_TENANT_ID: tenantA, AUDIT_TRUSTED_PROXIES: "10.0.0.0/8, ::1/128" } });
});
afterAll(() => door.close());

const names = [
  "x-forwarded-for",
  "user-agent",
  "accept-language",
  "prefer",
  "idempotency-key",
  "x-request-id",
  "origin",
  "content-type",
  "content-encoding",
  "x-real-ip",
  "sec-ch-ua",
];

/** Any byte that HTTP lets stand in a header, hops and words that mean something, and some that HTTP does not allow. */
const value = fc.oneof(
  fc.uint8Array({ min: 0x20, max: 0xff, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\x7f", "~")),
  fc.array(
    fc.constantFrom(
      "10.0.0.1",
      "192.0.2.1",
      "::1",
      "::ffff:10.0.0.1",
      "fe80::1%eth0",
      "[2001:db8::1]:80",
      "unknown",
      "",
      " ",
      "1.2.3.4:99",
      "10.0.0.999",
      "_hidden",
    ),
    {
      maxLength: 6,
    },
  ).map((hops) => hops.join(", ")),
  fc.constantFrom(
    "respond-async;x=1",
    "return=minimal, handling=strict",
    'handling="strict"',
    "gzip",
    "application/json;charset=",
    "null",
    "é\u0085ü",
    "\t",
    "%0d%0a",
    "x".repeat(3000),
    "\x01",
    "\x1b[31m",
  ),
);

describe("audit-logger under generated headers", () => {
  it("answers each without a 5xx, and stores what it takes from them so that its leaf can be rebuilt", async () => {
    const headers = fc.array(fc.tuple(fc.constantFrom(...names), value), { minLength: 1, maxLength: 5 });
    const { hostname, port, pathname } = new URL(door.url);
    const body = JSON.stringify({ events: [{ event_type: "header.sent" }] });
    const statuses = new Map<string, number>();
    await inParallel(fc.sample(headers, { seed: seedFor("headers"), numRuns: 800 }), 16, async (lines) => {
      const named = new Set(lines.map(([name]) => name));
      const type = named.has("content-type") ? [] : ["content-type: application/json"];
      const head = ["POST " + pathname + " HTTP/1.1", `host: ${hostname}`, `apikey: ${publishableKey}`, `content-length: ${body.length}`, ...type];
      const request = Buffer.from(
        [...head, ...lines.map(([name, text]) => `${name}: ${text}`), "", body].join("\r\n"),
        "latin1",
      );
      const framing = { name: "headers", statuses: [], send: async (socket: NodeJS.WritableStream) => void socket.write(request) };
      const { status } = await sendFraming(framing, { host: hostname, port: Number(port), path: pathname, head: "", body }, 5_000);
      statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1);
      expect([200, 201, 202, 400, 415, 422, 431, "closed"], JSON.stringify(lines)).toContain(status);
    });
    console.info(`headers: statuses ${JSON.stringify([...statuses])}`);
    const rows = await readStoredRows(door.database.adminUrl);
    expect(rows.length).toBeGreaterThan(100);
    for (const row of rows) {
      expect(recomputeLeafHash(row), JSON.stringify(row)).toBe((row["leaf_hash"] ?? "").slice(2));
      expect([null, "192.0.2.1", "2001:db8::1", "1.2.3.4", "::1", "10.0.0.1"]).toContain(row["ip_address"]);
    }
  });

  it("writes one line of JSON for each, whatever stood in them", () => {
    // Without the last, which may be half a line.
    const lines = door.function.stderr().split("\n").slice(0, -1).filter((line) => line.includes('"event"'));
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
    expect(door.function.stderr()).not.toContain("\x1b[31m");
  });
});

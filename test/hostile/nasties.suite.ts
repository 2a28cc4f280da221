import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countStoredRows } from "../support/history-rows.ts";
import { nastyBodies } from "../support/nasties.ts";
import { framings, sendFraming } from "../support/nasties-framings.ts";
import { secretKey } from "../support/tokens.ts";
import { type Door, openDoor, tenantA } from "./door.ts";
import { judgeRows } from "./fuzz.ts";

/** Every body and framing by hand against the function on one version of Deno. */
export function describeNasties(denoVersion: "2.9" | "2.1.4"): void {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor({ denoVersion });
  });
  afterAll(() => door.close());

  describe("audit-logger and bodies by hand", () => {
    for (const nasty of nastyBodies(tenantA)) {
      it(`answers ${nasty.statuses.join(" or ")}: ${nasty.name}`, async () => {
        const before = await countStoredRows(door.database.adminUrl);
        const answer = await door.post(nasty.body, nasty.headers).catch((error: unknown) => {
          if (nasty.mayClose !== true) throw error;
        });
        if (answer === undefined) return expect(await countStoredRows(door.database.adminUrl)).toBe(before);
        expect(nasty.statuses, answer.text.slice(0, 300)).toContain(answer.status);
        if (answer.status >= 400) {
          expect(answer.headers.get("content-type")).toBe("application/problem+json");
          expect(answer.body).toMatchObject({ code: expect.any(String), request_id: expect.any(String) });
          expect(answer.text).not.toMatch(/nasty\.sent|<script>|postgres|SQLSTATE|at file:/);
        }
        const stored = await countStoredRows(door.database.adminUrl) - before;
        expect(stored, "rows").toBe(answer.body.created_count ?? 0);
      });
    }

    it("has neither lost its memory nor its prototypes over them", async () => {
      expect(await door.prototypesUnchanged()).toBe(true);
      expect(door.memory().peakMiB).toBeLessThan(256);
      await judgeRows(door.database.adminUrl);
    });
  });

  describe("audit-logger and framings by hand", () => {
    for (const framing of framings) {
      it(`ends with ${framing.statuses.join(" or ")}: ${framing.name}`, async () => {
        const { hostname, port, pathname } = new URL(door.url);
        const before = await countStoredRows(door.database.adminUrl);
        const body = `{"events":[{"event_type":"framing.sent","tenant_id":"${tenantA}"}]}`;
        const outcome = await sendFraming(framing, { host: hostname, port: Number(port), path: pathname, head: `apikey: ${secretKey}`, body }, 10_000);
        expect(framing.statuses).toContain(outcome.status);
        expect((await door.post(body)).status, "the next request").toBe(201);
        const stored = await countStoredRows(door.database.adminUrl) - before - 1;
        expect(stored, "rows").toBe(outcome.status === 201 ? framing.stores ?? 1 : 0);
      });
    }
  });
}

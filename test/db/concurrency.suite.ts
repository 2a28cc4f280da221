import { describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { ingest, newRow } from "./ingest-call.ts";
import { untilBlocked, useDatabase, valueOf } from "./use-database.ts";

export function describeConcurrency(major: PostgresMajor): void {
  describe("ingest() beside other sessions", () => {
    const database = useDatabase(major);
    const count = async (ids: readonly string[]) =>
      await valueOf<number>(await database.admin(), "select count(*)::int from audit_log.events where id = any ($1)", [ids]);

    it("waits for whoever inserts the same events first, then returns that one's rows", async () => {
      const [first, second, observer] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.admin()];
      const rows = [newRow(), newRow()];
      await first.query("begin");
      expect(await ingest(first, rows, { principal: "key:first0000000" })).toEqual([]);
      const waiting = ingest(second, [...rows].reverse(), { principal: "key:second000000" });
      await untilBlocked(observer, second);
      await first.query("commit");
      expect((await waiting).map((row) => [row.id, row.principal])).toEqual(rows.map((row) => [row.id, "key:first0000000"]).reverse());
    });

    it("inserts the events itself when the first to insert them rolls back", async () => {
      const [first, second, observer] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.admin()];
      const rows = [newRow(), newRow()];
      await first.query("begin");
      await ingest(first, rows);
      const waiting = ingest(second, rows, { principal: "key:second000000" });
      await untilBlocked(observer, second);
      await first.query("rollback");
      expect(await waiting).toEqual([]);
      expect(await count(rows.map((row) => row.id))).toBe(2);
    });

    it("stores each event once when overlapping batches cross, and neither ends in a deadlock", async () => {
      const sessions = [await database.as("audit_ingest"), await database.as("audit_ingest")];
      const outcomes: string[] = [];
      for (let round = 0; round < 10; round++) {
        const rows = Array.from({ length: 200 }, () => newRow());
        const orders = [rows, [...rows].reverse()];
        await Promise.all(sessions.map(async (session, index) => {
          const own = newRow();
          const outcome = await ingest(session, [own, ...orders[index] ?? []]).then(() => "stored", (error) => error.code);
          expect(await count([own.id])).toBe(1);
          outcomes.push(outcome);
        }));
        expect(await count(rows.map((row) => row.id))).toBe(200);
      }
      expect(outcomes.filter((outcome) => outcome !== "stored")).toEqual([]);
    });

    it("ends one of two sessions that wait for each other with 40P01, and nothing of its transaction stays", async () => {
      const [one, two, observer] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.admin()];
      const [x, y, z] = [newRow(), newRow(), newRow()];
      await one.query("begin");
      await ingest(one, [x]);
      await two.query("begin");
      await ingest(two, [z, y]);
      const waiting = ingest(one, [y]);
      await untilBlocked(observer, one);
      const results = await Promise.allSettled([waiting, ingest(two, [x])]);
      expect(results.map((result) => result.status === "fulfilled" ? "stored" : result.reason.code).sort()).toEqual(["40P01", "stored"]);
      await Promise.all([one.query("commit"), two.query("commit")]);
      expect(await count([x.id, y.id])).toBe(2);
      expect(await count([z.id])).toBe(results[1]?.status === "fulfilled" ? 1 : 0);
    });

    it("waits for another session that makes the same missing partition and tenant, then uses them", async () => {
      const [first, second, observer] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.admin()];
      const place = { occurred_at: "2026-07-01T12:00:00Z", tenant_id: crypto.randomUUID() };
      await first.query("begin");
      await ingest(first, [newRow(place)]);
      const waiting = ingest(second, [newRow(place)]);
      await untilBlocked(observer, second);
      await first.query("commit");
      expect(await waiting).toEqual([]);
    });

    it("makes the partition itself when the session that was making it rolls back", async () => {
      const [first, second, observer] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.admin()];
      const place = { occurred_at: "2026-07-02T12:00:00Z" };
      await first.query("begin");
      await ingest(first, [newRow(place)]);
      const waiting = ingest(second, [newRow(place)]);
      await untilBlocked(observer, second);
      await first.query("rollback");
      expect(await waiting).toEqual([]);
    });

    it("neither stops readers and writers of other days while it makes a partition, nor waits for them", async () => {
      const [maker, writer, reader] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.as("audit_job")];
      await ingest(writer, [newRow()]);
      await reader.query("begin; select count(*) from audit_log.events");
      await writer.query("begin");
      await ingest(writer, [newRow()]);
      await maker.query("begin");
      await ingest(maker, [newRow({ occurred_at: "2026-07-03T12:00:00Z" })]);
      await ingest(writer, [newRow()]);
      await reader.query("select count(*) from audit_log.events");
      await Promise.all([maker, writer, reader].map((client) => client.query("commit")));
    });

    it("has its xid before it draws the first number, because the sealer's gate rests on that", async () => {
      const [client, admin, observer] = [await database.as("audit_ingest"), await database.admin(), await database.admin()];
      // Tenant and partition are there: nothing but the call itself can make it take an xid.
      await ingest(client, [newRow()]);
      await admin.query("begin; alter sequence audit_log.event_seq cache 1");
      const waiting = ingest(client, [newRow()]);
      await untilBlocked(observer, client);
      const text = "select wait_event || ' ' || (backend_xid is not null) from pg_stat_activity where pid = $1";
      expect(await valueOf(observer, text, [(client as typeof client & { processID: number }).processID])).toBe("relation true");
      await admin.query("rollback");
      expect(await waiting).toEqual([]);
      expect(await valueOf(observer, "select seqcache::int from pg_sequence where seqrelid = 'audit_log.event_seq'::regclass")).toBe(1);
    });
  });
}

import { describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { ingest, newRow } from "./ingest-call.ts";
import { outcomeOf, untilBlocked, useDatabase, valueOf } from "./use-database.ts";

export function describePartitions(major: PostgresMajor): void {
  describe("ensure_partition()", () => {
    const database = useDatabase(major);

    it.each(["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kolkata"])("makes a UTC day in a session of time zone %s", async (zone) => {
      const client = await database.as("audit_job");
      await client.query("select set_config('timezone', $1, false), set_config('datestyle', 'SQL, DMY', false)", [zone]);
      const day = { "Pacific/Kiritimati": "2026-04-01", "America/Los_Angeles": "2026-04-02", "Asia/Kolkata": "2026-04-03" }[zone];
      expect(await valueOf(client, "select audit_log.ensure_partition($1)", [day])).toBe(true);
      const admin = await database.admin();
      await admin.query("set timezone = 'UTC'");
      const next = `2026-04-0${Number(day?.at(-1)) + 1}`;
      expect(
        await valueOf(admin, "select pg_get_expr(relpartbound, oid) from pg_class where oid = $1::regclass", [`audit_log.events_${day?.replaceAll("-", "")}`]),
      )
        .toBe(`FOR VALUES FROM ('${day} 00:00:00+00') TO ('${next} 00:00:00+00')`);
    });

    it("says whether it made one", async () => {
      const client = await database.as("audit_job");
      expect(await valueOf(client, "select audit_log.ensure_partition('2026-04-10')")).toBe(true);
      expect(await valueOf(client, "select audit_log.ensure_partition('2026-04-10')")).toBe(false);
    });

    it("lets twenty sessions make one partition at once: one of them does", async () => {
      const sessions = await Promise.all(Array.from({ length: 20 }, () => database.as("audit_job")));
      const made = await Promise.all(sessions.map((session) => valueOf<boolean>(session, "select audit_log.ensure_partition('2026-04-11')")));
      expect(made.filter(Boolean)).toHaveLength(1);
    });

    it("gives up after 2 s on a lock that somebody keeps", async () => {
      const [holder, client] = [await database.admin(), await database.as("audit_job")];
      await holder.query("begin; lock table audit_log.events in share update exclusive mode");
      const start = performance.now();
      // Of the session's own timeout it would be another code.
      expect(await outcomeOf(client, "select audit_log.ensure_partition('2026-04-12')")).toBe("55P03");
      expect(performance.now() - start).toBeGreaterThan(1_990);
      await holder.query("rollback");
    });

    it("makes what can be detached, keeps its protection, and can be attached again without reading it", async () => {
      const admin = await database.admin();
      await ingest(await database.as("audit_ingest"), [newRow({ occurred_at: "2026-04-13T12:00:00Z" })]);
      await admin.query("alter table audit_log.events detach partition audit_log.events_20260413");
      const text = `select relrowsecurity and relforcerowsecurity and relacl::text = '{}'
        and (select count(*) = 2 from pg_trigger where tgrelid = c.oid and tgenabled = 'A') from pg_class as c where oid = 'audit_log.events_20260413'::regclass`;
      expect(await valueOf(admin, text)).toBe(true);
      const notices: (string | undefined)[] = [];
      admin.on("notice", (notice) => notices.push(notice.message));
      await admin.query("set client_min_messages = debug1");
      await admin.query(
        "alter table audit_log.events attach partition audit_log.events_20260413 for values from ('2026-04-13 00:00+00') to ('2026-04-14 00:00+00')",
      );
      expect(notices).toContain('partition constraint for table "events_20260413" is implied by existing constraints');
      expect(await valueOf(admin, text.replace("= 2", "= 3"))).toBe(true);
    });
  });

  describe("ensure_partitions()", () => {
    const database = useDatabase(major);

    it("makes the days that are missing, both ends included", async () => {
      const client = await database.as("audit_job");
      expect(await valueOf(client, "select audit_log.ensure_partitions('2026-02-27', '2026-03-02')")).toBe(4);
      expect(await valueOf(client, "select audit_log.ensure_partitions('2026-02-26', '2026-03-02')")).toBe(1);
      expect(await valueOf(client, "select audit_log.ensure_partitions('2026-03-02', '2026-03-01')")).toBe(0);
    });

    it("refuses a range of more than 400 days, which can only be a mistake", async () => {
      expect(await outcomeOf(await database.as("audit_job"), "select audit_log.ensure_partitions('2026-01-01', '2027-02-06')")).toBe("22023");
    });
  });

  describe("closed_days", () => {
    const database = useDatabase(major);
    const close = "select pg_advisory_xact_lock(1635083369, date '2026-06-01' - date '2000-01-01')";
    const closed = "insert into audit_log.closed_days (day) values ('2026-06-01') on conflict do nothing";
    const onIt = { occurred_at: "2026-06-01T12:00:00.000Z" };

    it("make ingest() wait for whoever closes the day, then take no new event of it, but know the old ones and store the others", async () => {
      const [client, owner, observer] = [await database.as("audit_ingest"), await database.as("audit_owner"), await database.admin()];
      const [old, late, other] = [newRow(onIt), newRow(onIt), newRow()];
      await ingest(client, [old]);
      await owner.query("begin");
      await owner.query(close);
      const waiting = ingest(client, [late, old, other]);
      await untilBlocked(observer, client);
      await owner.query(closed);
      await owner.query("commit");
      expect(await waiting).toMatchObject([
        { id: late.id, occurred_at: new Date(onIt.occurred_at), leaf_hash: null, received_at: null },
        { id: old.id, leaf_hash: old.leaf_hash },
      ]);
      const text = "select array_agg(id order by seq) from audit_log.events where id = any ($1)";
      expect(await valueOf(observer, text, [[old.id, late.id, other.id]])).toEqual([old.id, other.id]);
    });

    it("can be closed only when every batch that has an event of it has ended", async () => {
      const [client, owner, observer] = [await database.as("audit_ingest"), await database.as("audit_owner"), await database.admin()];
      await owner.query("begin");
      await client.query("begin");
      await ingest(client, [newRow({ occurred_at: "2026-06-02T00:00:00Z" }), newRow()]);
      const closing = owner.query(close.replace("06-01", "06-02"));
      await untilBlocked(observer, owner);
      await client.query("commit");
      await closing;
      await owner.query("rollback");
    });

    it("do not get a partition back, not even when it has been dropped", async () => {
      const [client, owner, admin] = [await database.as("audit_ingest"), await database.as("audit_owner"), await database.admin()];
      const day = { occurred_at: "2026-06-03T00:00:00Z" };
      await ingest(client, [newRow(day)]);
      await owner.query(closed.replace("06-01", "06-03"));
      await admin.query("drop table audit_log.events_20260603");
      expect(await ingest(client, [newRow(day)])).toMatchObject([{ leaf_hash: null }]);
      expect(await valueOf(admin, "select to_regclass('audit_log.events_20260603') is null")).toBe(true);
    });
  });
}

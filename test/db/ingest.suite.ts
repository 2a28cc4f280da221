import { describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { ingest, newRow, noon, sha256, tenantA, tenantB } from "./ingest-call.ts";
import { outcomeOf, useDatabase, valueOf } from "./use-database.ts";

export function describeIngest(major: PostgresMajor): void {
  describe("ingest()", () => {
    const database = useDatabase(major);

    it("inserts a batch and returns nothing", async () => {
      const rows = [newRow(), newRow({ tenant_id: tenantB }), newRow()];
      expect(await ingest(await database.as("audit_ingest"), rows)).toEqual([]);
      const stored = await (await database.admin()).query("select id from audit_log.events where id = any ($1) order by seq", [rows.map((row) => row.id)]);
      expect(stored.rows.map((row) => row.id)).toEqual(rows.map((row) => row.id));
    });

    it("stores every column as it was given", async () => {
      const row = newRow({
        occurred_at: "2026-03-01T12:00:00.123Z",
        source: "api-service",
        actor_id: "user-1",
        actor_type: "user",
        event_type: "order.update",
        object_type: "order",
        object_id: "order-1",
        result: "warning",
        message: "Ordnung, 秩序, 😀",
        duration_ms: 2_147_483_647,
        context: '{"b":1e-30,"a":[null,true]}',
        ip_address: "::ffff:1.2.3.4",
        user_agent: "agent",
        device_fingerprint: "print",
        request_id: "request",
        producer_id: "producer",
        producer_seq: "9007199254740991",
        leaf_hash: sha256("other"),
      });
      await ingest(await database.as("audit_ingest"), [row], { received_at: "2026-03-01T12:00:02.5Z", principal: "user:someone" });
      const { rows: [stored] } = await (await database.admin()).query("select * from audit_log.events where id = $1", [row.id]);
      expect(stored).toEqual({
        ...row,
        occurred_at: new Date(row.occurred_at),
        received_at: new Date("2026-03-01T12:00:02.500Z"),
        principal: "user:someone",
        context: { a: [null, true], b: 1e-30 },
        seq: expect.any(String),
        actor_hash: expect.stringMatching(/^\d+$/),
        object_hash: expect.stringMatching(/^\d+$/),
      });
    });

    it.each(["Asia/Kolkata", "Pacific/Chatham"])(
      "stores actor and object by the UTC hour and a hash that tells tenants apart, in a session of %s",
      async (zone) => {
        const client = await database.as("audit_ingest");
        await client.query("select set_config('timezone', $1, false)", [zone]);
        const same = { actor_id: "user-9", object_id: "user-9" };
        const rows = [
          newRow({ ...same, occurred_at: "2026-03-01T00:00:00Z" }),
          newRow({ ...same, occurred_at: "2026-03-01T23:59:59.999Z" }),
          newRow({ ...same, occurred_at: "2026-03-01T00:30:00Z", tenant_id: "00000000-0000-4000-8000-0000000000ff" }),
          newRow({ occurred_at: "2026-03-01T00:45:00Z", actor_id: null, object_id: null }),
        ];
        await ingest(client, rows);
        const text = `select (actor_hash >> 58)::integer as hour, (actor_hash << 6)::text as actor, (object_hash << 6)::text as object
        from audit_log.events where id = any ($1) order by occurred_at`;
        const { rows: [first, foreign, nobody, last] } = await (await database.admin()).query(text, [rows.map(({ id }) => id)]);
        expect([first.hour, foreign.hour, last.hour]).toEqual([0, 0, 23]);
        expect(last).toMatchObject({ actor: first.actor, object: first.actor });
        expect(foreign.actor).not.toBe(first.actor);
        expect(nobody).toEqual({ hour: null, actor: null, object: null });
      },
    );

    it("gives numbers in the order of the arrays, and later batches higher ones", async () => {
      const client = await database.as("audit_ingest");
      const rows = Array.from({ length: 500 }, (_, index) => newRow({ occurred_at: `2026-03-01T12:00:00.${String(999 - index).padStart(3, "0")}Z` }));
      await ingest(client, rows.slice(0, 300));
      await ingest(client, rows.slice(300));
      const stored = await (await database.admin()).query("select id from audit_log.events where id = any ($1) order by seq", [rows.map((row) => row.id)]);
      expect(stored.rows.map((row) => row.id)).toEqual(rows.map((row) => row.id));
    });

    it("returns the rows that were there, unchanged, when the batch comes again altered", async () => {
      const client = await database.as("audit_ingest");
      const [old, other] = [newRow({ ip_address: "192.0.2.1", user_agent: "first" }), newRow()];
      await ingest(client, [old], { principal: "key:first0000000", received_at: "2026-03-01T12:00:05Z" });
      const again = await ingest(client, [{ ...old, leaf_hash: sha256("altered"), user_agent: "second" }, other], { principal: "key:second000000" });
      expect(again).toEqual([{
        tenant_id: tenantA,
        occurred_at: new Date(noon),
        id: old.id,
        received_at: new Date("2026-03-01T12:00:05Z"),
        principal: "key:first0000000",
        ip_address: "192.0.2.1",
        user_agent: "first",
        device_fingerprint: null,
        leaf_hash: sha256("leaf"),
      }]);
      expect(await valueOf(await database.admin(), "select count(*)::int from audit_log.events where id in ($1, $2)", [old.id, other.id])).toBe(2);
    });

    it("tells rows apart that the same transaction inserted before, also behind a savepoint", async () => {
      const client = await database.as("audit_ingest");
      const [first, second, third] = [newRow(), newRow(), newRow()];
      await client.query("begin");
      expect(await ingest(client, [first])).toEqual([]);
      await client.query("savepoint rows");
      expect(await ingest(client, [second, first])).toMatchObject([{ id: first.id }]);
      await client.query("rollback to savepoint rows");
      expect(await ingest(client, [second, third])).toEqual([]);
      await client.query("commit");
    });

    it("stores what is new of a batch whose last event is there already, in the order of the arrays", async () => {
      const client = await database.as("audit_ingest");
      const known = newRow();
      await ingest(client, [known]);
      const rows = Array.from({ length: 50 }, () => newRow());
      expect(await ingest(client, [...rows, known])).toMatchObject([{ id: known.id }]);
      const { rows: stored } = await (await database.admin()).query("select id from audit_log.events where id = any ($1) order by seq", [
        rows.map((row) => row.id),
      ]);
      expect(stored).toEqual(rows.map(({ id }) => ({ id })));
    });

    it("stores one of two equal events of a call, and returns it for the other", async () => {
      const client = await database.as("audit_ingest");
      const row = newRow();
      expect(await ingest(client, [row, newRow(), row])).toMatchObject([{ id: row.id }]);
      expect(await valueOf(await database.admin(), "select count(*)::int from audit_log.events where id = $1", [row.id])).toBe(1);
    });

    it("stores the first of two events of a call that differ in content alone, however many there are", async () => {
      const client = await database.as("audit_ingest");
      const rows = Array.from({ length: 100 }, () => newRow());
      const later = rows.map((row) => ({ ...row, leaf_hash: sha256("later") }));
      expect(await ingest(client, [...rows, ...later])).toHaveLength(100);
      const text = "select count(*)::int from audit_log.events where id = any ($1) and leaf_hash = $2";
      expect(await valueOf(await database.admin(), text, [rows.map(({ id }) => id), sha256("leaf")])).toBe(100);
    });

    it("keeps events with the same id apart by tenant and by time", async () => {
      const client = await database.as("audit_ingest");
      const row = newRow();
      expect(await ingest(client, [row, { ...row, tenant_id: tenantB }, { ...row, occurred_at: "2026-03-01T12:00:00.001Z" }])).toEqual([]);
    });

    it("stores a batch over midnight on both days, once", async () => {
      const client = await database.as("audit_ingest");
      await client.query("set timezone = 'America/Los_Angeles'");
      const rows = [newRow({ occurred_at: "2026-05-01T23:59:59.999Z" }), newRow({ occurred_at: "2026-05-02T00:00:00.000Z" })];
      expect(await ingest(client, rows)).toEqual([]);
      expect(await ingest(client, rows)).toMatchObject(rows.map((row) => ({ id: row.id })));
      const text = "select tableoid::regclass::text as day from audit_log.events where id = any ($1) order by seq";
      const { rows: days } = await (await database.admin()).query(text, [rows.map((row) => row.id)]);
      expect(days).toEqual([{ day: "audit_log.events_20260501" }, { day: "audit_log.events_20260502" }]);
    });

    it("creates a tenant that it meets for the first time, named by its id, and leaves a name that was given", async () => {
      const [job, client, admin] = [await database.as("audit_job"), await database.as("audit_ingest"), await database.admin()];
      const [known, unknown] = [crypto.randomUUID(), crypto.randomUUID()];
      await job.query("select audit_log.create_tenant($1, 'Known')", [known]);
      await ingest(client, [newRow({ tenant_id: known }), newRow({ tenant_id: unknown }), newRow({ tenant_id: unknown })]);
      const { rows } = await admin.query("select id, name from audit_log.tenants where id in ($1, $2) order by name = 'Known' desc", [known, unknown]);
      expect(rows).toEqual([{ id: known, name: "Known" }, { id: unknown, name: unknown }]);
    });

    it("stores nothing of a batch in which one row breaks a constraint", async () => {
      const admin = await database.admin();
      for (
        const [constraint, fault] of [
          ["result_is_success_failure_or_warning", { result: "maybe" }],
          ["leaf_hash_is_a_sha256", { leaf_hash: sha256("x").subarray(1) }],
          ["context_is_an_object", { context: "[]" }],
          ["ip_address_is_a_host", { ip_address: "10.0.0.0/8" }],
        ] as const
      ) {
        const client = await database.as("audit_ingest");
        const rows = [newRow(), newRow(fault), newRow()];
        await expect(ingest(client, rows)).rejects.toMatchObject({ code: "23514", constraint });
        expect(await valueOf(admin, "select count(*)::int from audit_log.events where id = any ($1)", [rows.map((row) => row.id)])).toBe(0);
      }
    });

    it("refuses arrays of different lengths instead of filling up with nulls", async () => {
      const client = await database.as("audit_ingest");
      const text =
        `select * from audit_log.ingest(now(), 'p', array[$1]::uuid[], array[now()], array[gen_random_uuid()], '{}', array['a'], array['t'], array['e'],
        array['o'], array['i'], array['success'], array['m'], array[1], array['{}']::jsonb[], array['::1']::inet[], array['u'], array['d'], array['r'], array['p'],
        array[1]::bigint[], array[sha256('')])`;
      await expect(client.query(text, [tenantA])).rejects.toMatchObject({ code: "22023", message: "ingest: arrays differ in length" });
      await expect(client.query(text.replace("'{}', array['a']", "null, array['a']"), [tenantA])).rejects.toMatchObject({ code: "22023" });
    });

    it("takes an empty batch", async () => {
      expect(await ingest(await database.as("audit_ingest"), [])).toEqual([]);
    });

    it("may be called by audit_ingest and service_role alone", async () => {
      const text =
        `select audit_log.ingest(now(), '', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`;
      const outcomes = ["audit_ingest", "service_role", "anon", "authenticated", "audit_job"].map(async (role) => [
        role,
        await outcomeOf(await database.as(role), text),
      ]);
      expect(Object.fromEntries(await Promise.all(outcomes))).toEqual({
        audit_ingest: "0 rows",
        service_role: "0 rows",
        anon: "42501",
        authenticated: "42501",
        audit_job: "42501",
      });
    });
  });
}

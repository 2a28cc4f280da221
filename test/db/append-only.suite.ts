import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { ingest, newRow } from "./ingest-call.ts";
import { outcomeOf, useDatabase, valueOf } from "./use-database.ts";

/** What can be written: the hashes are generated. */
const columns = `tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
  duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash`;

/** Every way in SQL to change or remove a row, or to write one past `ingest()`. `%` is the table. */
const changes = {
  "update": "update % set message = 'x'",
  "update of no row": "update % set message = 'x' where false",
  "delete": "delete from %",
  "delete of no row": "delete from % where false",
  "truncate": "truncate %",
  "truncate with cascade": "truncate % restart identity cascade",
  "merge that updates": "merge into % as t using (select 1) as s on true when matched then update set message = 'x'",
  "merge that deletes": "merge into % as t using (select 1) as s on true when matched then delete",
  "insert that updates": `insert into % (${columns}) select ${columns} from % limit 1 on conflict (tenant_id, occurred_at, id) do update set message = 'x'`,
  "select for update": "select tenant_id from % for update",
} as const;

const copies = {
  "copy from": "copy % from stdin",
  "insert": `insert into % (${columns}) select ${columns} from audit_log.events limit 1 on conflict do nothing`,
} as const;

const roles = ["anon", "authenticated", "service_role", "audit_ingest", "audit_job", "audit_owner", "postgres"] as const;
const tables = { "the table": "audit_log.events", "a partition": "audit_log.events_20260301", "a detached partition": "audit_log.events_20260302" } as const;

const admins = { app_metadata: { tenant_ids: ["123e4567-e89b-12d3-a456-426614174000"], audit_role: "admin" } } as const;

export function describeAppendOnly(major: PostgresMajor): void {
  describe("events", () => {
    const database = useDatabase(major);
    const countOf = (client: pg.Client) =>
      valueOf(client, `select (select count(*) from audit_log.events) + (select count(*) from ${tables["a detached partition"]})`);

    beforeAll(async () => {
      const client = await database.as("audit_ingest");
      await ingest(client, [newRow(), newRow(), newRow({ occurred_at: "2026-03-02T12:00:00Z" })]);
      await (await database.admin()).query("alter table audit_log.events detach partition audit_log.events_20260302");
    });

    describe.each(Object.entries(tables))("as %s", (place, table) => {
      it.each(Object.entries({ ...changes, ...copies }))("refuse %s to every role", async (change, text) => {
        const admin = await database.admin();
        const before = await countOf(admin);
        const outcomes: Record<string, string> = {};
        for (const role of roles) outcomes[role] = await outcomeOf(await database.as(role, admins), text.replaceAll("%", table));
        // The owner may insert and so, by inheritance, the login that owns the project; only row-level security keeps it from COPY.
        const inserts = change === "insert" && place === "the table" ? { audit_owner: "0 rows", postgres: "0 rows" } : {};
        const copied = change === "copy from" && place === "the table" ? { audit_owner: "0A000", postgres: "57014" } : {};
        expect(outcomes).toEqual({ ...Object.fromEntries(roles.map((role) => [role, "42501"])), ...inserts, ...copied });
        expect(await countOf(admin)).toBe(before);
      });

      it.each(Object.entries(changes).filter(([change]) => change !== "select for update"))(
        "refuse %s to a superuser in a session that skips ordinary triggers",
        async (_, text) => {
          const admin = await database.admin();
          await admin.query("set session_replication_role = replica");
          await expect(admin.query(text.replaceAll("%", table))).rejects.toMatchObject({ code: "42501", message: expect.stringContaining("append-only") });
        },
      );
    });

    it("refuse changes to the owner that has granted them to itself", async () => {
      const owner = await database.as("audit_owner");
      for (const table of Object.values(tables)) {
        await owner.query(`begin; grant all on ${table} to audit_owner`);
        for (const text of [changes.update, changes.delete, changes.truncate, changes["merge that updates"]]) {
          await owner.query("savepoint change");
          await expect(owner.query(text.replaceAll("%", table))).rejects.toMatchObject({ message: expect.stringContaining("append-only") });
          await owner.query("rollback to savepoint change");
        }
        await owner.query("rollback");
      }
    });

    it("hide a detached partition from everyone but a superuser", async () => {
      for (const role of roles) {
        const client = await database.as(role, admins);
        expect([role, await outcomeOf(client, `select 1 from ${tables["a detached partition"]}`)]).toEqual([role, "42501"]);
      }
      const owner = await database.as("audit_owner");
      await owner.query(`begin; grant select on ${tables["a detached partition"]} to audit_owner`);
      expect(await valueOf(owner, `select count(*)::int from ${tables["a detached partition"]}`)).toBe(0);
      await owner.query("rollback");
    });
  });
}

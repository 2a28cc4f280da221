import { describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { ingest, newRow, sha256 } from "./ingest-call.ts";
import { useDatabase, valueOf } from "./use-database.ts";

export function describeDurability(major: PostgresMajor): void {
  describe("require_durable_commit()", () => {
    const database = useDatabase(major);
    const setting = "select current_setting('synchronous_commit')";

    it.each(["off", "local", "remote_write"])(
      "makes the commit after ingest() durable in a session that has synchronous_commit = %s, and in no later one",
      async (weak) => {
        const client = await database.as("audit_ingest");
        await client.query(`set synchronous_commit = ${weak}`);
        await client.query("begin");
        await ingest(client, [newRow()]);
        expect(await valueOf(client, setting)).toBe("on");
        await client.query("commit");
        expect(await valueOf(client, setting)).toBe(weak);
      },
    );

    it("holds behind a savepoint that is released, and after a function that set it weaker", async () => {
      const client = await database.as("audit_ingest");
      await client.query("begin; set local synchronous_commit = off; savepoint rows");
      await ingest(client, [newRow()]);
      await client.query("release savepoint rows");
      expect(await valueOf(client, setting)).toBe("on");
      await client.query("commit");
    });

    it("leaves remote_apply, which is stronger", async () => {
      const client = await database.as("audit_ingest");
      await client.query("begin; set local synchronous_commit = remote_apply");
      await ingest(client, [newRow()]);
      expect(await valueOf(client, setting)).toBe("remote_apply");
      await client.query("rollback");
    });

    it("makes a claim on an Idempotency-Key durable too", async () => {
      const client = await database.as("audit_ingest");
      await client.query("begin; set local synchronous_commit = off");
      await client.query("select * from audit_log.claim_batch('p', $1, $1, now())", [sha256("key")]);
      expect(await valueOf(client, setting)).toBe("on");
      await client.query("rollback");
    });

    it("is the one thing that a control run without durability has to replace", async () => {
      const admin = await database.admin();
      await admin.query("create or replace function audit_log.require_durable_commit() returns void language sql as ''");
      const client = await database.as("audit_ingest");
      await client.query("begin; set local synchronous_commit = off");
      await ingest(client, [newRow()]);
      expect(await valueOf(client, setting)).toBe("off");
      await client.query("rollback");
    });
  });
}

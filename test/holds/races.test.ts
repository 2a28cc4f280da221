import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Service, startService, tenantA, tokenOf } from "../api/service.ts";

const day = "2015-03-04";

/** Two sides that want the same thing at the same moment; whoever commits first is believed by the other. */
describe("a hold against expiry and deletion", () => {
  let service: Service;
  let admin: string;
  beforeAll(async () => {
    service = await startService();
    admin = await tokenOf("admin");
    await service.admin.query(
      `insert into audit_log.archives (tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root,
        manifest_key, manifest_sha256, archived_at, expires_at)
      values ($1, $2, 'archived', 1, 1, 1, 0, 0, 1, sha256(''), 'k', sha256(''), now(), now())`,
      [tenantA, day],
    );
  });
  afterAll(() => service.stop());

  const connected = async () => {
    const client = new pg.Client({ connectionString: service.database.url });
    await client.connect();
    return client;
  };
  const expire = "update audit_log.archives set state = 'expiring', expiring_at = now() where day = $1 and not audit_log.is_held(tenant_id, day)";
  const place = () => service.ask("/holds", { method: "POST", as: admin, body: { reason: "race", object_type: "order", from: day, to: day } });
  const releaseAll = async () => {
    for (const { id } of (await service.admin.query("select id from audit_log.holds where released_at is null")).rows) {
      await service.ask(`/holds/${id}/release`, { method: "POST", as: admin, body: { reason: "race over" } });
    }
  };
  const waiting = async () => {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      const { rows } = await service.admin.query(
        "select count(*)::int as count from pg_locks where locktype = 'advisory' and classid = 1635083370 and not granted" +
          " and database = (select oid from pg_database where datname = current_database())",
      );
      if (rows[0].count > 0) return;
    }
    throw new Error("nobody waits for the lock");
  };

  it("waits for an expiry that came first, and is refused when that has begun to delete", async () => {
    const job = await connected();
    await job.query("begin; set local role audit_owner");
    expect((await job.query(expire, [day])).rowCount).toBe(1);
    const answer = place();
    await waiting();
    await job.query("commit");
    expect(await answer).toMatchObject({ status: 409, json: { code: "conflict" } });
    await service.admin.query("update audit_log.archives set state = 'archived', expiring_at = null");
    await job.end();
  });

  it("is placed when the expiry that came first gave up", async () => {
    const job = await connected();
    await job.query("begin; set local role audit_owner");
    await job.query(expire, [day]);
    const answer = place();
    await waiting();
    await job.query("rollback");
    expect((await answer).status).toBe(201);
    await releaseAll();
    await job.end();
  });

  it("wins over an expiry that came second, which waits for it", async () => {
    const holder = await connected();
    await holder.query("begin; set local role audit_owner");
    await holder.query("select audit_log.lock_holds($1)", [tenantA]);
    await holder.query("insert into audit_log.holds (id, tenant_id, reason, placed_by) values (gen_random_uuid(), $1, 'race', 'key:test')", [tenantA]);
    const job = await connected();
    await job.query("begin; set local role audit_owner");
    const expired = job.query(expire, [day]);
    await waiting();
    await holder.query("commit");
    expect((await expired).rowCount).toBe(0);
    await job.query("commit");
    await releaseAll();
    await Promise.all([job.end(), holder.end()]);
  });

  it("makes a deletion that came second be refused, and sees one that came first", async () => {
    const [first, second] = await service.store(tenantA, [{ actor_id: "alice" }, { actor_id: "alice" }]);
    const remove = (event: typeof first) =>
      service.ask(`/events/${event?.id}?at=${event?.occurred_at}`, { method: "DELETE", as: admin, body: { reason: "race" } });
    expect((await remove(first)).status).toBe(200);
    const holder = await connected();
    await holder.query("begin; set local role audit_owner");
    await holder.query("select audit_log.lock_holds($1)", [tenantA]);
    await holder.query("insert into audit_log.holds (id, tenant_id, reason, actor_id, placed_by) values (gen_random_uuid(), $1, 'race', 'alice', 'key:test')", [
      tenantA,
    ]);
    const removed = remove(second);
    await waiting();
    await holder.query("commit");
    expect(await removed).toMatchObject({ status: 409, json: { code: "held" } });
    await releaseAll();
    await holder.end();
  });

  it("never loses: of 60 races between placing and expiring, each hold that was answered for finds its archive", async () => {
    const job = await connected();
    let won = 0;
    for (let race = 0; race < 60; race++) {
      const order = race % 2 === 0;
      const expiring = async () => {
        await job.query("begin; set local role audit_owner");
        await job.query(expire, [day]);
        await job.query("commit");
      };
      const [answer] = order ? await Promise.all([place(), expiring()]) : await Promise.all([expiring().then(place), undefined]);
      const { rows } = await service.admin.query("select state from audit_log.archives where day = $1", [day]);
      expect([answer.status, rows[0].state]).toEqual(answer.status === 201 ? [201, "archived"] : [409, "expiring"]);
      won += answer.status === 201 ? 1 : 0;
      await releaseAll();
      await service.admin.query("update audit_log.archives set state = 'archived', expiring_at = null");
    }
    expect(won).toBeLessThan(60);
    await job.end();
  });

  it.each(["repeatable read", "serializable"])("cannot be overlooked in a transaction that is %s: there everything is refused", async (isolation) => {
    const job = await connected();
    await job.query(`begin isolation level ${isolation}; set local role audit_owner`);
    await expect(job.query(expire, [day])).rejects.toMatchObject({ code: "25000" });
    await job.end();
  });

  it("is assumed where it cannot be known", async () => {
    const { rows } = await service.admin.query("select audit_log.is_held(null, $1) as tenant, audit_log.is_held($2, null) as day", [day, tenantA]);
    expect(rows).toEqual([{ tenant: true, day: true }]);
  });
});

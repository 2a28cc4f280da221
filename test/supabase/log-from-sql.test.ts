import { readFileSync } from "node:fs";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Door, openDoor, tenantA } from "../http/door.ts";
import { snippetsOf } from "../docs-snippets.ts";
import { secretKey } from "../support/tokens.ts";
import { callFunctions } from "./pg-net.ts";

const page = "docs/how-to/log-from-sql.md";

describe(`the SQL of ${page}`, () => {
  let door: Door;
  /** The login `postgres`, which has the SQL editor. */
  let client: pg.Client;
  beforeAll(async () => {
    door = await openDoor();
    client = new pg.Client({ connectionString: door.database.url });
    await client.connect();
    await client.query(readFileSync(new URL("cron-doubles.sql", import.meta.url), "utf8"));
    for (const [name, secret] of [["audit_events_functions_url", door.url.replace(/\/audit-logger$/, "")], ["audit_events_secret_key", secretKey]]) {
      await client.query("select vault.create_secret($1, $2)", [secret, name]);
    }
    await client.query("create table public.orders (id bigint generated always as identity primary key, state text, note text)");
    for (const { code } of snippetsOf(page, ["sql"])) await client.query(code);
  });
  afterAll(async () => {
    await client.end();
    await door.close();
  });
  beforeEach(async () => {
    await client.query("delete from private.audit_outbox");
  });

  const outbox = async () =>
    (await client.query("select event ->> 'event_type' as type, call, problem ->> 'code' as problem from private.audit_outbox order by 1")).rows;
  /** What the schedule does: a call, pg_net's requests, and the next call. Returns how many requests there were. */
  const turn = async () => {
    await client.query("select private.send_audit_outbox()");
    const calls = await callFunctions(client);
    return calls.length;
  };

  it("is scheduled", async () => {
    expect((await client.query("select command from cron.job")).rows).toEqual([{ command: "select private.send_audit_outbox()" }]);
  });

  it("logs what was inserted, updated and deleted, with who did it and what it was", async () => {
    await client.query("begin; select set_config('request.jwt.claims', '{\"sub\":\"user-7\"}', true)");
    await client.query("insert into public.orders (state) values ('open')");
    await client.query("commit");
    await client.query("update public.orders set state = 'paid'");
    await client.query("delete from public.orders");
    expect(await turn()).toBe(1);
    expect(await turn()).toBe(0);
    expect(await outbox()).toEqual([]);
    const stored = (await door.stored("source = 'postgres'")).map(({ event }) => event);
    const id = stored[0]?.object_id;
    expect(stored.map(({ event_type, actor_id, object_id }) => [event_type, actor_id, object_id])).toEqual([
      ["orders.insert", "user-7", id],
      ["orders.update", "postgres", id],
      ["orders.delete", "postgres", id],
    ]);
    expect(stored[1]).toMatchObject({ tenant_id: tenantA, principal: "secret:default", context: { before: { state: "open" }, after: { state: "paid" } } });
  });

  it("logs nothing of a change that is taken back", async () => {
    await client.query("begin; insert into public.orders (state) values ('open'); rollback");
    expect(await outbox()).toEqual([]);
  });

  it("posts again what was not answered, and stores it once", async () => {
    await client.query("insert into public.orders (state) values ('once')");
    await turn();
    // The answer is lost, as after a restart of the database.
    await client.query("delete from net._http_response; delete from net.calls");
    await turn();
    expect(await outbox()).toMatchObject([{ type: "orders.insert", problem: null }]);
    await client.query("update private.audit_outbox set sent_at = now() - interval '6 minutes'");
    expect(await turn()).toBe(1);
    await turn();
    expect(await outbox()).toEqual([]);
    expect(await door.stored("context #>> '{after,state}' = 'once'")).toHaveLength(1);
  });

  it("posts again what the door refused for its key, one turn after that was put right", async () => {
    await client.query("insert into public.orders (state) values ('later')");
    const tellKey = (secret: string) => client.query("update vault.secrets set secret = $1 where name = 'audit_events_secret_key'", [secret]);
    await tellKey("sb_secret_retired");
    await turn();
    await tellKey(secretKey);
    expect(await turn()).toBe(1);
    await turn();
    expect(await outbox()).toEqual([]);
    expect(await door.stored("context #>> '{after,state}' = 'later'")).toHaveLength(1);
  });

  it("keeps what the log refuses, with the reason, and lets nothing wait behind it", async () => {
    await client.query("insert into public.orders (state, note) values ('big', repeat('x', 40000)), ('huge', repeat('x', 70000)), ('fine', null)");
    await turn();
    expect(await turn()).toBe(0);
    expect((await outbox()).map(({ problem }) => problem).sort()).toEqual(["event_too_large", "too_long"]);
    expect(await door.stored("context #>> '{after,state}' in ('big', 'huge', 'fine')")).toHaveLength(1);
  });

  it("posts more than one request takes, in batches that the door takes", async () => {
    await client.query("insert into public.orders (state, note) select 'many', repeat('x', 5000) from generate_series(1, 800)");
    for (let turns = 0; (await outbox()).length > 0 && turns < 10; turns++) await turn();
    expect(await door.stored("context #>> '{after,state}' = 'many'")).toHaveLength(800);
  });
});

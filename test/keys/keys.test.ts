import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSettings } from "../../adapters/environment.ts";
import { parseApiKey } from "../../core/api-key.ts";
import { tenantA, tenantB, tokenOf } from "../api/service.ts";
import { until } from "../http/door.ts";
import { testEnvironment } from "../support/tokens.ts";
import { type KeyService, startKeyService } from "./key-service.ts";

type Key = {
  readonly id: string;
  readonly prefix: string;
  readonly tenant_id: string;
  readonly scopes: readonly string[];
  readonly status: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
};
type Made = { readonly key: Key; readonly secret: string };
type Problem = { readonly code: string; readonly errors?: readonly { readonly pointer: string; readonly message: string }[] };

const event = { event_type: "key.used" };

describe("API keys in running functions", () => {
  let service: KeyService;
  let database: pg.Client;
  let admin: string;
  beforeAll(async () => {
    service = await startKeyService({ AUDIT_KEY_CACHE_SECONDS: "1" });
    database = new pg.Client({ connectionString: service.database.adminUrl });
    await database.connect();
    admin = await tokenOf("admin", [tenantA], "the-admin");
  });
  afterAll(async () => {
    await database.end();
    await service.stop();
  });
  const make = async (body: Readonly<Record<string, unknown>> = {}, as = admin): Promise<Made> => {
    const { status, body: made, text } = await service.ask<Made>("/keys", { method: "POST", as, body: { name: "a test", scopes: ["ingest"], ...body } });
    if (status !== 201) throw new Error(`make key: ${status} ${text}`);
    return made;
  };
  const revoke = (id: string, as = admin) => service.ask<{ readonly key: Key }>(`/keys/${id}`, { method: "DELETE", as });
  const list = async (path = "/keys", as = admin) =>
    (await service.ask<{ readonly keys: readonly Key[]; readonly next_cursor: string | null }>(path, { as })).body;
  const recorded = async (id: string) =>
    (await database.query(
      "select event_type, principal, actor_id, context from audit_log.events where object_type = 'audit.key' and object_id = $1 order by seq",
      [
        id,
      ],
    )).rows;

  it("are made for what their scopes say, shown whole once, and kept as a hash", async () => {
    const { key, secret } = await make({ name: "orders service", scopes: ["read", "ingest"] });
    expect(parseApiKey(secret)?.id).toBe(key.id);
    expect(secret.startsWith(key.prefix)).toBe(true);
    expect(key).toMatchObject({ tenant_id: tenantA, scopes: ["ingest", "read"], status: "active", expires_at: null, last_used_at: null, revoked_at: null });
    expect((await service.post([event], { as: secret })).status).toBe(201);
    expect((await service.ask("/events", { as: secret })).status).toBe(200);
    expect((await service.ask("/events/export", { as: secret })).status).toBe(403);

    const shown = await Promise.all([service.ask("/keys", { as: admin }), service.ask(`/keys/${key.id}`, { as: admin })]);
    const { rows } = await database.query("select k::text as text from audit_log.api_keys as k union all select e::text from audit_log.events as e");
    const everything = [...shown.map(({ text }) => text), ...rows.map(({ text }) => text), service.api.stderr(), service.door.stderr()].join("\n");
    expect(everything).toContain(key.id);
    expect(everything).not.toContain(secret.slice(-38, -6));
  });

  it("are listed newest first, page by page", async () => {
    const made = [await make(), await make(), await make()].map(({ key }) => key.id).reverse();
    const first = await list("/keys?limit=2");
    const second = await list(`/keys?limit=1&cursor=${first.next_cursor}`);
    expect([...first.keys, ...second.keys].map(({ id }) => id)).toEqual(made);
    for (const cursor of ["aaaaaaaaaaaa", "x"]) {
      const refused = await service.ask<Problem>(`/keys?cursor=${cursor}`, { as: admin });
      expect([refused.status, refused.body.code], cursor).toEqual([400, cursor === "x" ? "invalid_parameter" : "invalid_cursor"]);
    }
    expect((await service.ask<Problem>("/keys?limit=0", { as: admin })).body.code).toBe("invalid_parameter");
  });

  it("are refused within the cache's time once revoked, at the door and at the API, and stay so", async () => {
    const { key, secret } = await make({ scopes: ["ingest", "read"] });
    expect((await service.post([event], { as: secret })).status).toBe(201);
    expect((await service.ask("/events", { as: secret })).status).toBe(200);
    const revoked = await revoke(key.id);
    const startedMs = performance.now();
    expect([revoked.status, revoked.body.key.status]).toEqual([200, "revoked"]);
    await until(async () => (await service.post([event], { as: secret })).status === 401, 60_000);
    await until(async () => (await service.ask("/events", { as: secret })).status === 401, 60_000);
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    expect((await service.post<Problem>([event], { as: secret })).body.code).toBe("unauthenticated");
    expect((await revoke(key.id)).body.key.revoked_at).toBe(revoked.body.key.revoked_at);
  });

  it("are believed for 30 s by default, and never for more than 60", () => {
    const environment = testEnvironment(service.database);
    expect(readSettings(environment).keyCacheMs).toBe(30_000);
    expect(() => readSettings({ ...environment, AUDIT_KEY_CACHE_SECONDS: "61" })).toThrow(/AUDIT_KEY_CACHE_SECONDS/);
  });

  it("leave a record of who made and who revoked them, once each", async () => {
    const { key } = await make({ name: "recorded", scopes: ["export"], expires_at: "2999-01-01T00:00:00Z" });
    await revoke(key.id);
    await revoke(key.id);
    const by = { principal: "user:the-admin", actor_id: "the-admin" };
    expect(await recorded(key.id)).toEqual([
      { ...by, event_type: "audit.key.created", context: { name: "recorded", scopes: ["export"], expires_at: "2999-01-01T00:00:00.000Z" } },
      { ...by, event_type: "audit.key.revoked", context: {} },
    ]);
  });

  it("tell when they were last used, to a minute, and write it once in that time", async () => {
    const { key, secret } = await make();
    expect((await list()).keys.find(({ id }) => id === key.id)?.last_used_at).toBeNull();
    const fromMs = Date.now();
    for (let sent = 0; sent < 5; sent++) await service.post([event], { as: secret });
    const usedAt = await until(async () => (await list()).keys.find(({ id }) => id === key.id)?.last_used_at ?? undefined);
    expect(Date.parse(usedAt)).toBeGreaterThanOrEqual(fromMs - 1);
    expect(Date.parse(usedAt)).toBeLessThanOrEqual(Date.now());
    // Another process uses it in the same minute.
    await service.ask("/events", { as: secret });
    await service.post([event], { as: secret });
    expect((await list()).keys.find(({ id }) => id === key.id)?.last_used_at).toBe(usedAt);
  });

  it("of one tenant are nothing to another", async () => {
    const foreign = await make({ scopes: ["ingest", "admin"] }, await tokenOf("admin", [tenantB]));
    const own = await make({ scopes: ["ingest", "admin"] });
    const posted = await service.post<{ readonly results: readonly { readonly error: { readonly code: string } }[] }>([{ ...event, tenant_id: tenantB }], {
      as: own.secret,
    });
    expect([posted.status, posted.body.results[0]?.error.code]).toEqual([422, "tenant_forbidden"]);
    for (const path of [`/events?tenant_id=${tenantB}`, `/keys?tenant_id=${tenantB}`]) expect((await service.ask(path, { as: own.secret })).status).toBe(403);
    expect((await service.ask(`/keys/${foreign.key.id}`, { as: own.secret })).status).toBe(404);
    expect((await revoke(foreign.key.id, own.secret)).status).toBe(404);
    const body = { tenant_id: tenantB, name: "not mine", scopes: ["read"] };
    expect((await service.ask("/keys", { method: "POST", as: own.secret, body })).status).toBe(403);
    expect((await list("/keys", own.secret)).keys.map(({ id }) => id)).not.toContain(foreign.key.id);
    expect((await service.post([event], { as: foreign.secret })).status).toBe(201);
    const { rows } = await database.query("select distinct tenant_id from audit_log.events where principal = $1", [`key:${foreign.key.id}`]);
    expect(rows).toEqual([{ tenant_id: tenantB }]);
    expect(await recorded(foreign.key.id)).toHaveLength(1);
  });

  it("are managed by admins and nobody else", async () => {
    const { key } = await make();
    const others = [await tokenOf("viewer"), await tokenOf("auditor"), await tokenOf(undefined), (await make({ scopes: ["ingest", "read", "export"] })).secret];
    for (const as of others) {
      const asked = await Promise.all([
        service.ask("/keys", { as }),
        service.ask(`/keys/${key.id}`, { as }),
        service.ask("/keys", { as, method: "POST", body: { name: "mine", scopes: ["admin"] } }),
        revoke(key.id, as),
      ]);
      expect(asked.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    }
    const byKey = await make({ name: "made by a key" }, (await make({ scopes: ["admin"] })).secret);
    expect((await recorded(byKey.key.id))[0]?.principal).toMatch(/^key:/);
  });

  it("end when they expire, and cannot be made expired", async () => {
    const madeFor = async (lifeMs: number) => {
      const expiresAt = new Date(Date.now() + lifeMs).toISOString();
      const made = await make({ expires_at: expiresAt });
      return { ...made, expiresAt, status: (await service.post([event], { as: made.secret })).status, answeredMs: Date.now() };
    };
    let made = await madeFor(2_000);
    // A busy machine may need longer than that to make a key and to post with it.
    for (let lifeMs = 4_000; made.answeredMs >= Date.parse(made.expiresAt) && lifeMs <= 16_000; lifeMs *= 2) made = await madeFor(lifeMs);
    const { key, secret, expiresAt } = made;
    expect(made.status).toBe(201);
    await until(async () => (await service.post([event], { as: secret })).status === 401, 30_000);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expect((await service.ask<{ readonly key: Key }>(`/keys/${key.id}`, { as: admin })).body.key.status).toBe("expired");
    const past = { name: "late", scopes: ["read"], expires_at: new Date(Date.now() - 1000).toISOString() };
    const refused = await service.ask<Problem>("/keys", { method: "POST", as: admin, body: past });
    expect([refused.status, refused.body.errors?.[0]?.pointer]).toEqual([400, "/expires_at"]);
  });

  it("with a wrong checksum, and keys that were never made, are refused", async () => {
    const { secret } = await make();
    const last = secret.at(-1) === "A" ? "B" : "A";
    for (const wrong of [secret.slice(0, -1) + last, secret.slice(0, -1), `${secret}A`, secret.toUpperCase(), secret.replace("aud_", "aux_")]) {
      expect((await service.post([event], { as: wrong })).status).toBe(401);
    }
  });

  it("are refused with every fault named and no value repeated", async () => {
    const ask = (body: unknown) => service.ask<Problem>("/keys", { method: "POST", as: admin, body });
    const pointers = async (body: unknown) => (await ask(body)).body.errors?.map(({ pointer }) => pointer);
    expect(await pointers({})).toEqual(["/name", "/scopes"]);
    expect(await pointers({ name: "", scopes: ["read", "owner-hush"] })).toEqual(["/name", "/scopes/1"]);
    expect(await pointers({ name: "x", scopes: ["read", "read"] })).toEqual(["/scopes"]);
    expect(await pointers({ name: "x".repeat(256), scopes: [] })).toEqual(["/name", "/scopes"]);
    expect(await pointers({ name: "x", scopes: ["read"], expires_at: "tomorrow", scope: "read" })).toEqual(["/expires_at", "/scope"]);
    expect((await ask({ name: "", scopes: ["owner-hush"] })).text).not.toContain("hush");
    expect((await ask("{")).body.code).toBe("malformed_json");
    expect((await ask(`{"name":"${"x".repeat(20_000)}"}`)).status).toBe(413);
    expect((await service.ask("/keys", { method: "POST", as: admin, body: "{}", headers: { "content-type": "text/plain" } })).status).toBe(415);
  });
});

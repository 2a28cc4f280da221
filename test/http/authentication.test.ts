import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishableKey, secretKey, signToken, supabaseUrl } from "../support/tokens.ts";
import { type Answer, type Door, openDoor, tenantA, tenantB } from "./door.ts";

const user = (app_metadata: unknown, claims: Record<string, unknown> = {}, overrides = {}) => signToken({ app_metadata, ...claims }, overrides);
const bearer = (credential: string) => ({ apikey: "", authorization: `Bearer ${credential}` });

/** What became of an event for tenant A, one for tenant B and one that names none: stored under which tenant, or why not. */
async function placements(door: Door, headers: Record<string, string>): Promise<readonly (string | undefined)[] | string> {
  const answer = await door.post([{ event_type: "t.a", tenant_id: tenantA }, { event_type: "t.b", tenant_id: tenantB }, { event_type: "t.none" }], headers);
  if (answer.body.results === undefined) return `${answer.status} ${answer.body.code}`;
  const ids = answer.body.results.map(({ id }) => id).filter((id) => id !== undefined);
  const stored = new Map((await door.stored(ids.length === 0 ? "false" : `id in (${ids.map((id) => `'${id}'`)})`)).map(({ event }) => [event.id, event]));
  return answer.body.results.map(({ id, error }) => id === undefined ? error?.code : stored.get(id)?.tenant_id);
}

describe("who may post to audit-logger", () => {
  let door: Door;
  let keyA: string;
  beforeAll(async () => {
    door = await openDoor();
    keyA = (await door.makeKey(tenantA, ["ingest"])).text;
  });
  afterAll(() => door.close());

  const refusalOf = async (headers: Record<string, string>): Promise<string> => {
    const answer = await door.post([{ event_type: "refused.event", tenant_id: tenantA }], headers);
    if (answer.status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    if (answer.status !== 201) expect(answer.headers.get("content-type")).toBe("application/problem+json");
    return `${answer.status} ${answer.body.code}`;
  };

  it("lets a secret key post for any tenant, but it must name one", async () => {
    for (const headers of [{ apikey: secretKey }, bearer(secretKey), { apikey: secretKey, authorization: `Bearer ${publishableKey}` }]) {
      expect(await placements(door, headers)).toEqual([tenantA, tenantB, "tenant_required"]);
    }
  });

  it("lets a key of ours post for its tenant alone", async () => {
    for (const headers of [bearer(keyA), { apikey: keyA }]) expect(await placements(door, headers)).toEqual([tenantA, "tenant_forbidden", tenantA]);
  });

  it("lets a user post for the tenants of app_metadata, whatever user_metadata says", async () => {
    const one = await user({ tenant_id: tenantA }, { user_metadata: { tenant_id: tenantB, tenant_ids: [tenantB] } });
    expect(await placements(door, bearer(one))).toEqual([tenantA, "tenant_forbidden", tenantA]);
    const both = await user({ tenant_ids: [tenantA, tenantB] });
    expect(await placements(door, bearer(both))).toEqual([tenantA, tenantB, "tenant_required"]);
    expect(await placements(door, { apikey: secretKey, authorization: `Bearer ${one}` })).toEqual([tenantA, "tenant_forbidden", tenantA]);
  });

  it("records who called, never who a body says", async () => {
    const { id } = await door.makeKey(tenantB, ["ingest"]);
    const stranger = await door.post([{ event_type: "principal.event", principal: "key:other" }], bearer(keyA));
    expect(stranger.body.results[0]?.error).toMatchObject({ code: "unknown_field", pointer: "/principal" });
    expect(id).toMatch(/^[0-9a-z]{12}$/);
    const token = await user({ tenant_id: tenantA }, { sub: "11111111-0000-4000-8000-000000000001" });
    const principals = [];
    for (const headers of [bearer(keyA), bearer(token), { apikey: secretKey }]) {
      principals.push((await door.post([{ event_type: "principal.event", tenant_id: tenantA }], headers)).body.principal);
    }
    const stored = await door.stored("event_type = 'principal.event'");
    expect(stored.map(({ event }) => event.principal)).toEqual(principals);
    expect(principals).toEqual([`key:${keyA.slice(4, 16)}`, "user:11111111-0000-4000-8000-000000000001", "secret:default"]);
  });

  it("refuses, and stores nothing of, every credential that is not good", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const claims = { role: "authenticated", sub: "u", iss: `${supabaseUrl}/auth/v1`, aud: "authenticated", app_metadata: { tenant_id: tenantA } };
    const now = Math.floor(Date.now() / 1000);
    const forged = (header: Record<string, unknown>, key: Parameters<SignJWT["sign"]>[0]) =>
      new SignJWT({ ...claims, exp: now + 60 }).setProtectedHeader({ alg: "ES256", kid: "test-key", ...header }).sign(key);
    const good = await user({ tenant_id: tenantA });
    const expired = (await door.makeKey(tenantA, ["ingest"], "2026-01-01T00:00:00Z")).text;
    const revoked = await door.makeKey(tenantA, ["ingest"]);
    await door.admin("select audit_log.revoke_key($1, $2)", [tenantA, revoked.id]);
    const refused: Record<string, Record<string, string>> = {
      "no credential": { apikey: "" },
      "a publishable key": { apikey: publishableKey },
      "a publishable key as bearer": bearer(publishableKey),
      "a secret key with a character more": { apikey: `${secretKey}0` },
      "a token signed by a stranger": bearer(await forged({}, privateKey)),
      "a token signed with HS256": bearer(await forged({ alg: "HS256" }, new TextEncoder().encode("0".repeat(32)))),
      "a token of another issuer": bearer(await user({ tenant_id: tenantA }, {}, { issuer: "https://other.example/auth/v1" })),
      "a token for another audience": bearer(await user({ tenant_id: tenantA }, {}, { audience: "anon" })),
      "a token of an anonymous role": bearer(await user({ tenant_id: tenantA }, { role: "anon" })),
      "a token that has expired": bearer(await user({ tenant_id: tenantA }, {}, { expiresInSeconds: -60 })),
      "a token changed": bearer(good.replace(/.\./, (end) => `${end[0] === "A" ? "B" : "A"}.`)),
      "a good token as apikey": { apikey: good },
      "a bad bearer beside a good apikey": { apikey: secretKey, authorization: "Bearer nonsense" },
      "another scheme": { apikey: secretKey, authorization: `Basic ${good}` },
      "a key nobody made": bearer("aud_000000000000_00000000000000000000000000000000000000"),
      "a key that has expired": bearer(expired),
      "a key that was revoked": bearer(revoked.text),
      "a megabyte": bearer("x".repeat(9_000)),
    };
    for (const [name, headers] of Object.entries(refused)) expect([name, await refusalOf(headers)]).toEqual([name, "401 unauthenticated"]);
    expect(await door.stored("event_type = 'refused.event'")).toEqual([]);
    expect(await refusalOf(bearer(good))).toBe("201 undefined");
  });

  it("forbids a key without the scope ingest and a token without a tenant", async () => {
    for (const scopes of [["read"], ["export"], ["admin"]]) {
      expect(await refusalOf(bearer((await door.makeKey(tenantA, scopes)).text))).toBe("403 forbidden");
    }
    expect(await refusalOf(bearer(await user({})))).toBe("403 forbidden");
    expect(await refusalOf(bearer(await user({ tenant_id: "acme" })))).toBe("403 forbidden");
    expect(await refusalOf(bearer(await user({}, { user_metadata: { tenant_id: tenantA } })))).toBe("403 forbidden");
  });

  it("answers an unknown, an expired and a revoked key alike", async () => {
    const expired = (await door.makeKey(tenantA, ["ingest"], "2026-01-01T00:00:00Z")).text;
    const revoked = await door.makeKey(tenantA, ["ingest"]);
    await door.admin("select audit_log.revoke_key($1, $2)", [tenantA, revoked.id]);
    const details = [];
    for (const key of ["aud_000000000000_00000000000000000000000000000000000000", expired, revoked.text]) {
      details.push((await door.post([{ event_type: "refused.event" }], bearer(key))).body.detail);
    }
    expect(new Set(details).size).toBe(1);
  });

  it("creates a tenant that a secret key names for the first time", async () => {
    const tenant = crypto.randomUUID();
    expect((await door.post([{ event_type: "t.new", tenant_id: tenant }])).status).toBe(201);
    expect(await door.admin("select name from audit_log.tenants where id = $1", [tenant])).toEqual([{ name: tenant }]);
  });
});

describe("audit-logger with AUDIT_ANON_TENANT_ID and AUDIT_DEFAULT_TENANT_ID", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor({ env: { AUDIT_ANON_TENANT_ID: tenantA, AUDIT_DEFAULT_TENANT_ID: tenantB } })));
  afterAll(() => door.close());

  it("lets a publishable key post into that one tenant, as nobody", async () => {
    for (const headers of [bearer(publishableKey), { apikey: publishableKey }]) {
      expect(await placements(door, headers)).toEqual([tenantA, "tenant_forbidden", tenantA]);
    }
    const principals = new Set((await door.stored("event_type = 't.none'")).map(({ event }) => event.principal));
    expect(principals).toEqual(new Set(["anon"]));
  });

  it("still refuses no key at all and a key that is not the project's", async () => {
    const statuses = [];
    for (const headers of [{ apikey: "" }, { apikey: "sb_publishable_other" }, bearer("sb_publishable_other")]) {
      statuses.push((await door.post([{ event_type: "t.none" }], headers)).status);
    }
    expect(statuses).toEqual([401, 401, 401]);
  });

  it("gives a secret key's events the default tenant when they name none", async () => {
    expect(await placements(door, { apikey: secretKey })).toEqual([tenantA, tenantB, tenantB]);
  });

  it("gives nobody else the default tenant", async () => {
    const answers: Answer[] = [];
    for (const app_metadata of [{ tenant_ids: [tenantA, crypto.randomUUID()] }, {}]) {
      answers.push(await door.post([{ event_type: "t.none" }], bearer(await user(app_metadata))));
    }
    expect(answers.map(({ status, body }) => [status, body.results?.[0]?.error?.code ?? body.code])).toEqual([[422, "tenant_required"], [403, "forbidden"]]);
  });
});

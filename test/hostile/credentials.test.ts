import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey } from "../../core/api-key.ts";
import { forgedCredentials } from "../support/forged-tokens.ts";
import { createSigner, type ForgeryScope, goodClaims, signedToken } from "../support/forged-tokens-signer.ts";
import { countStoredRows } from "../support/history-rows.ts";
import { runSql } from "../support/postgres-process.ts";
import { publishableKey, secretKey, supabaseUrl } from "../support/tokens.ts";
import { type Door, openDoor, tenantA, tenantB } from "./door.ts";

const signer = createSigner();
let door: Door;
let scope: ForgeryScope;
beforeAll(async () => {
  door = await openDoor({ env: { SUPABASE_JWKS: JSON.stringify(signer.jwks), AUDIT_DEFAULT_TENANT_ID: tenantA } });
  scope = { issuer: `${supabaseUrl}/auth/v1`, tenantId: tenantA, otherTenantId: tenantB, secretKey, publishableKey, signer, apiKeys: await makeKeys(door) };
});
afterAll(() => door.close());

/** API keys in the database, each with the fault that it is named for. */
async function makeKeys({ database }: Door): Promise<Record<string, string>> {
  const make = async (tenantId: string, scopes: readonly string[], expires: string | null, revoked = false) => {
    const key = makeApiKey((length) => randomBytes(length));
    const hash = createHash("sha256").update(key.text).digest();
    await runSql(database.adminUrl, "select audit_log.create_tenant($1, 'tenant of a test')", [tenantId]);
    await runSql(database.adminUrl, "select audit_log.create_key($1, $2, $3, 'key of a test', $4, $5)", [tenantId, key.id, hash, scopes, expires]);
    if (revoked) await runSql(database.adminUrl, "select audit_log.revoke_key($1, $2)", [tenantId, key.id]);
    return key.text;
  };
  const good = await make(tenantA, ["ingest"], null);
  const unknown = makeApiKey((length) => randomBytes(length)).text;
  const swapped = `${good.slice(0, 20)}${good[21]}${good[20]}${good.slice(22)}`;
  return {
    unknown,
    mistyped: swapped === good ? `${good.slice(0, 20)}_${good.slice(21)}` : swapped,
    "only its hash": `aud_${createHash("sha256").update(good).digest("hex")}`,
    revoked: await make(tenantA, ["ingest"], null, true),
    expired: await make(tenantA, ["ingest"], "2026-01-01T00:00:00Z"),
    "of scope read": await make(tenantA, ["read"], null),
    "of scopes read, export and admin": await make(tenantA, ["read", "export", "admin"], null),
    foreign: await make(tenantB, ["ingest", "read", "export", "admin"], null),
  };
}

const body = JSON.stringify({ events: [{ event_type: "forged.sent", tenant_id: tenantA }, { event_type: "forged.sent", tenant_id: tenantA, message: "x" }] });

async function send(headers: Readonly<Record<string, string>>, query = "") {
  const answer = await fetch(door.url + query, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe("forged credentials", () => {
  it("are all refused with 401 or 403, a good one of another tenant event by event, and none stores a row", async () => {
    const forgeries = forgedCredentials(scope);
    expect(forgeries.length).toBeGreaterThanOrEqual(60);
    const statuses = new Map<number, number>();
    for (const forgery of forgeries) {
      const { status, headers, text } = await send(forgery.headers, forgery.query);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const problem = JSON.parse(text);
      if (forgery.foreign) {
        expect([403, 422], `${forgery.name}: ${text}`).toContain(status);
        if (status === 422) {
          expect(problem.results.map((result: { error: { code: string } }) => result.error.code), forgery.name).toEqual([
            "tenant_forbidden",
            "tenant_forbidden",
          ]);
        }
      } else {
        expect([401, 403], `${forgery.name}: ${text}`).toContain(status);
      }
      if (status === 401) expect(headers.get("www-authenticate"), forgery.name).toMatch(/^Bearer/);
      for (const secret of Object.values(forgery.headers).flatMap((value) => value.split(/[ ,]+/)).filter((value) => value.length > 12)) {
        expect(text, forgery.name).not.toContain(secret);
      }
    }
    console.info(`forged credentials: ${forgeries.length}, statuses ${JSON.stringify([...statuses])}`);
    expect(await countStoredRows(door.database.adminUrl)).toBe(0);
    for (const secret of [secretKey, publishableKey, ...Object.values(scope.apiKeys)]) expect(door.function.stderr()).not.toContain(secret);
  });

  it("leave the good ones good: a user's token, an API key of each header and the secret key store their events", async () => {
    const before = await countStoredRows(door.database.adminUrl);
    const token = signedToken(signer, goodClaims(scope));
    expect((await send({ authorization: `Bearer ${token}` })).status).toBe(201);
    expect((await send({ authorization: `Bearer ${token}`, apikey: publishableKey })).status).toBe(201);
    expect((await send({ apikey: secretKey })).status).toBe(201);
    expect((await send({ authorization: `Bearer ${secretKey}` })).status).toBe(201);
    expect(await countStoredRows(door.database.adminUrl)).toBe(before + 8);
  });

  it("that a user's token has lost within its tolerance are still good, and not a minute longer", async () => {
    const now = Math.floor(Date.now() / 1000);
    const withExp = (exp: number) => ({ authorization: `Bearer ${signedToken(signer, { ...goodClaims(scope), exp })}` });
    expect((await send(withExp(now - 20))).status).toBe(201);
    expect((await send(withExp(now - 60))).status).toBe(401);
  });
});

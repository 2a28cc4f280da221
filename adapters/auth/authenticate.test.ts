import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { makeApiKey } from "../../core/api-key.ts";
import { AuditError } from "../../core/errors.ts";
import type { KeyStore } from "../../core/ports.ts";
import { sha256OfText } from "../sha256.ts";
import { type AuthenticateDeps, createAuthenticate } from "./authenticate.ts";

const tenantA = "123e4567-e89b-12d3-a456-426614174000";
const tenantB = "00000000-0000-4000-8000-00000000000b";
const issuer = "https://project.example/auth/v1";
const secret = "sb_secret_0000000000000000000000_00000000";
const publishable = "sb_publishable_000000000000000000_00000000";
const serviceRole = "legacy.service.role";

const { privateKey, publicKey } = await generateKeyPair("ES256");
const { privateKey: strangersKey } = await generateKeyPair("ES256");
const publicJwk = { ...await exportJWK(publicKey), kid: "k1", alg: "ES256" };

const now = () => new Date("2026-11-22T12:00:00Z");
const seconds = now().getTime() / 1000;
const userClaims = {
  sub: "user-1",
  role: "authenticated",
  iss: issuer,
  aud: "authenticated",
  iat: seconds - 60,
  exp: seconds + 3600,
  app_metadata: { tenant_id: tenantA },
};

async function sign(changes: { readonly [claim: string]: unknown } = {}, header: Partial<JWTHeaderParameters> = {}, key = privateKey): Promise<string> {
  const claims = Object.fromEntries(Object.entries({ ...userClaims, ...changes }).filter(([, value]) => value !== undefined));
  return await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "k1", ...header }).sign(key);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const apiKey = makeApiKey((length) => new Uint8Array(length).fill(7));

describe("createAuthenticate()", () => {
  let lookups: number;
  let found: Awaited<ReturnType<KeyStore["find"]>>;
  let settings: AuthenticateDeps["settings"];

  beforeEach(() => {
    lookups = 0;
    found = { id: "abcdefghijkl", tenantId: tenantA, scopes: ["ingest", "export"], expiresAt: undefined, revoked: false };
    settings = {
      secretKeys: new Map([["default", secret], ["service_role", serviceRole]]),
      publishableKeys: new Map([["default", publishable]]),
      anonTenantId: undefined,
      jwks: { keys: [publicJwk as { kty: string }] },
      jwksUrl: `${issuer}/.well-known/jwks.json`,
      jwtIssuer: issuer,
    };
  });

  const keys: KeyStore = {
    touch: () => Promise.resolve(),
    find: (hash) => {
      lookups++;
      return Promise.resolve(Buffer.from(hash).equals(sha256OfText(apiKey.text)) ? found : undefined);
    },
  };
  const authenticate = (headers: Record<string, string>, changes: Partial<AuthenticateDeps["settings"]> = {}) =>
    createAuthenticate({ settings: { ...settings, ...changes }, keys, now })(new Request("http://127.0.0.1/audit-logger", { headers }));
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const codeOf = (work: Promise<unknown>) => work.then(() => "accepted", (error: unknown) => error instanceof AuditError ? error.code : String(error));

  it("takes a secret key on either header, and the legacy service-role key as text", async () => {
    const caller = { kind: "secret", principal: "secret:default", tenants: "any" };
    expect(await authenticate({ apikey: secret })).toMatchObject(caller);
    expect(await authenticate(bearer(secret))).toMatchObject(caller);
    expect(await authenticate(bearer(serviceRole))).toMatchObject({ principal: "secret:service_role" });
    expect([...(await authenticate({ apikey: secret })).scopes]).toEqual(["ingest"]);
  });

  it("refuses a secret key with one character changed, left out or added", async () => {
    for (const wrong of [secret.replace("0", "1"), secret.slice(0, -1), `${secret}0`, secret.toUpperCase()]) {
      expect(await codeOf(authenticate({ apikey: wrong }))).toBe("unauthenticated");
    }
  });

  it("takes a user's token, and its tenants and role from app_metadata alone", async () => {
    const app_metadata = { tenant_id: tenantA.toUpperCase(), tenant_ids: [tenantB, tenantA], audit_role: "auditor" };
    const caller = await authenticate(bearer(await sign({ app_metadata, user_metadata: { tenant_id: tenantB, audit_role: "admin" } })));
    expect(caller).toMatchObject({ kind: "user", principal: "user:user-1", tenants: [tenantA, tenantB] });
    expect([...caller.scopes]).toEqual(["ingest", "read", "export"]);
    expect(caller.claims).toEqual({ sub: "user-1", role: "authenticated", app_metadata: { tenant_ids: [tenantA, tenantB], audit_role: "auditor" } });
  });

  it("gives no reading to a token without a role, or with one that is none of ours", async () => {
    for (const audit_role of [undefined, "owner", "Admin", "toString", 1, ["admin"]]) {
      const caller = await authenticate(bearer(await sign({ app_metadata: { tenant_id: tenantA, audit_role } })));
      expect([...caller.scopes]).toEqual(["ingest"]);
      expect(caller.claims.app_metadata).toEqual({ tenant_ids: [tenantA] });
    }
  });

  it("forbids a token that names no tenant, too many, or one that is no UUID", async () => {
    const many = Array.from({ length: 101 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`);
    const faults = [
      undefined,
      {},
      { tenant_ids: [] },
      { tenant_id: "acme" },
      { tenant_ids: tenantA },
      { tenant_ids: [tenantA, null] },
      { tenant_ids: many },
      "x",
    ];
    for (const app_metadata of faults) {
      expect([app_metadata, await codeOf(authenticate(bearer(await sign({ app_metadata }))))]).toEqual([app_metadata, "forbidden"]);
    }
    expect((await authenticate(bearer(await sign({ app_metadata: { tenant_ids: many.slice(1) } })))).tenants).toHaveLength(100);
  });

  it("allows clocks 30 s of difference, and not more", async () => {
    expect(await codeOf(authenticate(bearer(await sign({ exp: seconds - 29 }))))).toBe("accepted");
    expect(await codeOf(authenticate(bearer(await sign({ exp: seconds - 31 }))))).toBe("unauthenticated");
    expect(await codeOf(authenticate(bearer(await sign({ nbf: seconds + 29, iat: seconds + 29 }))))).toBe("accepted");
    expect(await codeOf(authenticate(bearer(await sign({ nbf: seconds + 31 }))))).toBe("unauthenticated");
    expect(await codeOf(authenticate(bearer(await sign({ iat: seconds + 31 }))))).toBe("unauthenticated");
  });

  it("refuses every token that is not exactly a user's", async () => {
    const [header, payload, signature] = (await sign()).split(".");
    const publicPem = new TextEncoder().encode(JSON.stringify(publicJwk));
    const unsigned = `${encode({ alg: "none" })}.${payload}.`;
    const forged: Record<string, string> = {
      "signed by another key": await sign({}, {}, strangersKey),
      "key in the header": await sign({}, { jwk: publicJwk as never }, strangersKey),
      "key by URL in the header": await sign({}, { jku: "https://attacker.example/jwks.json", x5u: "https://attacker.example/x5u" }, strangersKey),
      "key id of nobody": await sign({}, { kid: "k2" }),
      "key id of a path": await sign({}, { kid: "../../dev/null" }),
      "critical extension": await new SignJWT(userClaims).setProtectedHeader({ alg: "ES256", kid: "k1", crit: ["b64"], b64: true }).sign(privateKey),
      "algorithm none": unsigned,
      "algorithm none, signed": `${encode({ alg: "none", kid: "k1" })}.${payload}.${signature}`,
      "algorithm nOnE": `${encode({ alg: "nOnE" })}.${payload}.${signature}`,
      "HS256 by the public key": await new SignJWT(userClaims).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(publicPem),
      "HS256 by a secret": await new SignJWT(userClaims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode("a".repeat(32))),
      "payload changed": `${header}.${encode({ ...userClaims, sub: "admin" })}.${signature}`,
      "signature cut": `${header}.${payload}.${signature?.slice(0, -4)}`,
      "no signature": `${header}.${payload}.`,
      "four parts": `${header}.${payload}.${signature}.${signature}`,
      "two parts": `${header}.${payload}`,
      "no expiry": await sign({ exp: undefined }),
      "expiry as text": await sign({ exp: String(seconds + 60) }),
      "no subject": await sign({ sub: undefined }),
      "empty subject": await sign({ sub: "" }),
      "subject like a key's": await sign({ sub: "key:abcdefghijkl" }),
      "subject with a line break": await sign({ sub: "a\nb" }),
      "subject too long": await sign({ sub: "a".repeat(201) }),
      "other issuer": await sign({ iss: "https://other.example/auth/v1" }),
      "no issuer": await sign({ iss: undefined }),
      "issuer as a list": await sign({ iss: [issuer] }),
      "other audience": await sign({ aud: "anon" }),
      "no audience": await sign({ aud: undefined }),
      "role anon": await sign({ role: "anon" }),
      "role service_role": await sign({ role: "service_role" }),
      "no role": await sign({ role: undefined }),
      "longer than 8 KiB": await sign({ padding: "x".repeat(8192) }),
      "nothing in three parts": "..",
      "JSON that is no object": `${encode("a")}.${encode("b")}.${encode("c")}`,
      "not base 64": "*.*.*",
      "a word": "token",
    };
    for (const [name, token] of Object.entries(forged)) {
      const result = await codeOf(authenticate(bearer(token)));
      expect([name, result]).toEqual([name, "unauthenticated"]);
    }
    expect(await codeOf(authenticate(bearer(await sign())))).toBe("accepted");
  });

  it("takes a key of ours as the caller of its tenant, with claims like a user's", async () => {
    for (const headers of [bearer(apiKey.text), { apikey: apiKey.text }]) {
      const caller = await authenticate(headers);
      expect(caller).toMatchObject({ kind: "key", principal: "key:abcdefghijkl", tenants: [tenantA] });
      expect([...caller.scopes]).toEqual(["ingest", "read", "export"]);
      expect(caller.claims).toEqual({ sub: "key:abcdefghijkl", role: "authenticated", app_metadata: { tenant_ids: [tenantA], audit_role: "auditor" } });
    }
  });

  it.each([[["ingest"], ["ingest"]], [["read"], ["read"]], [["admin"], ["read", "export", "admin"]], [["read", "ingest"], ["ingest", "read"]]])(
    "gives a key with %j the scopes %j",
    async (scopes, expected) => {
      found = { id: "abcdefghijkl", tenantId: tenantA, expiresAt: undefined, revoked: false, scopes };
      expect([...(await authenticate({ apikey: apiKey.text })).scopes]).toEqual(expected);
    },
  );

  it("says what to send instead, whatever is wrong with a credential", async () => {
    found = undefined;
    const expired = await sign({ exp: seconds - 3600 });
    const wrong = [
      {},
      { authorization: "Basic eDp5" },
      { authorization: `Bearer ${"x".repeat(9_000)}` },
      { apikey: publishable },
      { apikey: "sb_secret_of_another_project" },
      { apikey: apiKey.text },
      { authorization: `Bearer ${expired}` },
      { authorization: `Bearer ${await sign({}, {}, strangersKey)}` },
      { authorization: `Bearer ${await sign({ role: "anon" })}` },
      { authorization: `Bearer ${await sign({ app_metadata: {} })}` },
    ];
    for (const headers of wrong) {
      const told = await authenticate(headers).then(() => "accepted", (error: AuditError) => error.message);
      expect(told).toMatch(/[:;] (send|sign in again|have an administrator)/);
    }
  });

  it("answers the same to a key that is unknown, expired or revoked", async () => {
    const base = { id: "abcdefghijkl", tenantId: tenantA, scopes: ["ingest"], expiresAt: undefined, revoked: false };
    const answers = [];
    for (const state of [undefined, { ...base, revoked: true }, { ...base, expiresAt: "2026-11-22T12:00:00.000Z" }, { ...base, expiresAt: "not a time" }]) {
      found = state;
      answers.push(await authenticate({ apikey: apiKey.text }).catch((error: AuditError) => `${error.code}: ${error.message}`));
    }
    expect(new Set(answers)).toEqual(new Set(["unauthenticated: authenticate: API key is not valid: it is mistyped, revoked or has expired; send another"]));
    found = { ...base, expiresAt: "2026-11-22T12:00:00.001Z" };
    expect(await codeOf(authenticate({ apikey: apiKey.text }))).toBe("accepted");
  });

  it("does not ask the store about a key with a wrong checksum", async () => {
    const last = apiKey.text.at(-1) === "0" ? "1" : "0";
    expect(await codeOf(authenticate({ apikey: apiKey.text.slice(0, -1) + last }))).toBe("unauthenticated");
    expect(lookups).toBe(0);
  });

  it("refuses a publishable key and no key at all; with an anonymous tenant, only no key", async () => {
    expect(await codeOf(authenticate({}))).toBe("unauthenticated");
    expect(await codeOf(authenticate({ apikey: publishable }))).toBe("unauthenticated");
    expect(await codeOf(authenticate(bearer(publishable)))).toBe("unauthenticated");
    const anon = await authenticate(bearer(publishable), { anonTenantId: tenantB });
    expect(anon).toMatchObject({ kind: "anon", principal: "anon", tenants: [tenantB], claims: { role: "anon" } });
    expect([...anon.scopes]).toEqual(["ingest"]);
    expect(await codeOf(authenticate({}, { anonTenantId: tenantB }))).toBe("unauthenticated");
    expect(await codeOf(authenticate({ apikey: "sb_publishable_other" }, { anonTenantId: tenantB }))).toBe("unauthenticated");
  });

  it("lets the bearer decide before the apikey beside it", async () => {
    const token = await sign();
    expect(await authenticate({ ...bearer(token), apikey: secret })).toMatchObject({ kind: "user" });
    expect(await authenticate({ ...bearer(token), apikey: publishable })).toMatchObject({ kind: "user" });
    expect(await authenticate({ ...bearer(apiKey.text), apikey: secret })).toMatchObject({ kind: "key" });
    expect(await codeOf(authenticate({ ...bearer(await sign({ exp: seconds - 60 })), apikey: secret }))).toBe("unauthenticated");
    expect(await codeOf(authenticate({ ...bearer("nonsense"), apikey: secret }))).toBe("unauthenticated");
  });

  it("looks at the apikey beside a bearer that is publishable, which is what Supabase's own clients send", async () => {
    expect(await authenticate({ ...bearer(publishable), apikey: secret })).toMatchObject({ kind: "secret" });
    expect(await codeOf(authenticate({ ...bearer(publishable), apikey: "nonsense" }))).toBe("unauthenticated");
    expect(await codeOf(authenticate({ ...bearer(publishable), apikey: publishable }, { anonTenantId: tenantB }))).toBe("accepted");
  });

  it("refuses other schemes, two credentials in one header, and a user's token on apikey", async () => {
    const token = await sign();
    for (const authorization of [`Basic ${token}`, token, "Bearer", `Bearer ${token}, Bearer ${secret}`, `Bearer ${token} ${token}`]) {
      expect(await codeOf(authenticate({ authorization, apikey: secret }))).toBe("unauthenticated");
    }
    expect(await codeOf(authenticate({ apikey: token }))).toBe("unauthenticated");
    expect(await codeOf(authenticate({ authorization: `bearer ${token}` }))).toBe("accepted");
  });
});

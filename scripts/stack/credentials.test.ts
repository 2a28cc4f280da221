import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSettings } from "../../adapters/environment.ts";
import { parseApiKey } from "../../core/api-key.ts";
import { parseSigningKey, parseVerifierKey } from "../../core/format/signed-note.ts";
import { publicKeySet, readCredentials, tokenIssuer } from "./credentials.ts";
import { partEnvironment } from "./environment.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "credentials-"));
  file = join(folder, "credentials.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("readCredentials()", () => {
  it("makes them once, for their owner's eyes", async () => {
    const first = await readCredentials(file);
    expect(await readCredentials(file)).toEqual(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("makes others for every stack", async () => {
    const [one, other] = await Promise.all([readCredentials(file), readCredentials(join(folder, "other.json"))]);
    for (const name of ["superuserPassword", "secretKey", "publishableKey", "signingKey", "logOrigin", "cursorKey"] as const) {
      expect(one[name]).not.toBe(other[name]);
    }
    expect(one.tenants[0]?.api_keys.admin).not.toBe(other.tenants[0]?.api_keys.admin);
  });

  it("adds what a file of an earlier version lacks and keeps the rest", async () => {
    const first = await readCredentials(file);
    const { cursorKey: _cursorKey, ...older } = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify(older));
    const second = await readCredentials(file);
    expect(second).toEqual({ ...first, cursorKey: second.cursorKey });
    expect(await readCredentials(file)).toEqual(second);
  });

  it("signs tokens of every role that its public key set verifies, and keys that parse", async () => {
    const credentials = await readCredentials(file);
    const keys = createLocalJWKSet(publicKeySet(credentials) as JSONWebKeySet);
    expect(JSON.stringify(publicKeySet(credentials))).not.toContain(credentials.tokenKey.d);
    expect(credentials.tenants.map((tenant) => tenant.id)[0]).toBe("123e4567-e89b-12d3-a456-426614174000");
    for (const tenant of credentials.tenants) {
      for (const key of Object.values(tenant.api_keys)) expect(parseApiKey(key)).toBeDefined();
      for (const [role, token] of Object.entries(tenant.tokens)) {
        const { payload } = await jwtVerify(token, keys, { issuer: tokenIssuer, audience: "authenticated", algorithms: ["ES256"] });
        expect(payload["app_metadata"]).toMatchObject({ tenant_id: tenant.id, audit_role: role });
      }
    }
  });

  it("makes a signing key whose public half is the log's key", async () => {
    const { signingKey, verifierKey, logOrigin } = await readCredentials(file);
    const [signer, verifier] = await Promise.all([parseSigningKey(signingKey), parseVerifierKey(verifierKey)]);
    expect({ name: signer.name, publicKey: signer.publicKey }).toEqual(verifier);
    expect(signer.name).toBe(logOrigin);
  });
});

describe("partEnvironment()", () => {
  it("is one that our settings accept", async () => {
    const credentials = await readCredentials(file);
    const settings = readSettings(partEnvironment("http://127.0.0.1:6000", "postgresql://postgres:p@127.0.0.1:6001/postgres", folder, credentials, {}));
    expect(settings).toMatchObject({ supabaseUrl: "http://127.0.0.1:6000", jwtIssuer: tokenIssuer, archiveUrl: `file:${folder}/archive` });
  });

  it("takes AUDIT_ settings of the shell, but never the database that it names, nor anything else", async () => {
    const shell = {
      AUDIT_HOT_DAYS: "30",
      AUDIT_DATABASE_URL: "postgresql://production",
      AUDIT_TEST_SLOW: "1",
      HOME: "/home/x",
      SUPABASE_URL: "https://x.supabase.co",
    };
    const environment = partEnvironment("http://127.0.0.1:6000", "postgresql://local", folder, await readCredentials(file), shell);
    expect(environment).toMatchObject({ AUDIT_HOT_DAYS: "30", AUDIT_DATABASE_URL: "postgresql://local", SUPABASE_URL: "http://127.0.0.1:6000" });
    expect(environment).not.toHaveProperty("HOME");
    expect(environment).not.toHaveProperty("AUDIT_TEST_SLOW");
  });
});

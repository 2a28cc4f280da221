import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { forgedCredentials } from "./forged-tokens.ts";
import { createSigner, goodClaims, signedToken } from "./forged-tokens-signer.ts";

const signer = createSigner();
const tenants = { tenantId: "123e4567-e89b-12d3-a456-426614174000", otherTenantId: "aaaaaaaa-e89b-12d3-a456-426614174000" };
const keys = { secretKey: "sb_secret_test", publishableKey: "sb_publishable_test", apiKeys: { revoked: "aud_revoked", foreign: "aud_foreign" } };
const scope = { issuer: "http://127.0.0.1:54321/auth/v1", ...tenants, ...keys, signer };

describe("forgedCredentials()", () => {
  it("are more than 60, each with a name of its own and headers that fetch can send", () => {
    const all = forgedCredentials(scope);
    expect(all.length).toBeGreaterThan(100);
    expect(new Set(all.map((forgery) => forgery.name)).size).toBe(all.length);
    for (const forgery of all) expect(() => new Headers(forgery.headers), forgery.name).not.toThrow();
  });

  it("never hold the one token that is good", () => {
    const [header, payload] = signedToken(signer, goodClaims(scope)).split(".");
    for (const forgery of forgedCredentials(scope)) {
      const parts = forgery.headers["authorization"]?.replace("Bearer ", "").split(".") ?? [];
      if (parts.length !== 3 || parts[0] !== header || parts[1] !== payload) continue;
      expect(isSigned(parts as [string, string, string]), forgery.name).toBe(false);
    }
  });
});

describe("signedToken()", () => {
  it("is what the published key verifies: else every forgery would be refused for being badly made", () => {
    expect(isSigned(signedToken(signer, goodClaims(scope)).split(".") as [string, string, string])).toBe(true);
  });
});

function isSigned([header, payload, signature]: [string, string, string]): boolean {
  const key = createPublicKey({ key: signer.jwks.keys[0] as never, format: "jwk" });
  return verify("sha256", Buffer.from(`${header}.${payload}`), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
}

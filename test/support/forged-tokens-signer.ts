import { createHmac, generateKeyPairSync, type KeyObject, sign, type webcrypto } from "node:crypto";

/** Credentials that must open nothing: what is sent, and which refusals are right. `foreign` means a good credential of another tenant. */
export type Forgery = { readonly name: string; readonly headers: Readonly<Record<string, string>>; readonly query?: string; readonly foreign?: true };

/** The signer of the project under attack, with what its environment holds, and real API keys that may not post for `tenantId`. */
export type ForgeryScope = {
  readonly issuer: string;
  readonly tenantId: string;
  readonly otherTenantId: string;
  readonly secretKey: string;
  readonly publishableKey: string;
  /** By what is wrong with them: unknown, mistyped, revoked, expired, of other scopes; `foreign` is good, for the other tenant. */
  readonly apiKeys: { readonly [fault: string]: string };
  readonly signer: Signer;
};

export type Signer = { readonly privateKey: KeyObject; readonly publicKey: KeyObject; readonly keyId: string };

/** An ES256 key pair, and the key set that a project would publish for it. */
export function createSigner(keyId = "signer-1"): Signer & { readonly jwks: { readonly keys: readonly webcrypto.JsonWebKey[] } } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    privateKey,
    publicKey,
    keyId,
    jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: keyId, alg: "ES256", use: "sig" } as webcrypto.JsonWebKey] },
  };
}

export type Claims = { readonly [claim: string]: unknown };

/** The claims of a token that would be good: every forgery differs from it in what its name says. */
export function goodClaims(scope: Pick<ForgeryScope, "issuer" | "tenantId">): Claims {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: scope.issuer,
    aud: "authenticated",
    sub: "00000000-0000-4000-8000-000000000001",
    role: "authenticated",
    iat: now - 5,
    exp: now + 3600,
    app_metadata: { tenant_ids: [scope.tenantId], audit_role: "admin" },
  };
}

/** A token signed by the project's own key; `header` replaces or adds members, undefined removes one. */
export function signedToken(signer: Signer, claims: Claims, header: Claims = {}): string {
  return withSignature(
    { alg: "ES256", typ: "JWT", kid: signer.keyId, ...header },
    claims,
    (input) => sign("sha256", Buffer.from(input), { key: signer.privateKey, dsaEncoding: "ieee-p1363" }),
  );
}

export type Sign = (input: string) => Uint8Array;

/** A token of any header and payload, with whatever `signature` makes of them. */
export function withSignature(header: Claims, claims: Claims | string, signature: Sign): string {
  const input = `${base64(JSON.stringify(header))}.${base64(typeof claims === "string" ? claims : JSON.stringify(claims))}`;
  return `${input}.${base64(signature(input))}`;
}

export function base64(value: string | Uint8Array): string {
  return Buffer.from(value).toString("base64url");
}

/** A token whose payload is any text, signed by the project's own key. */
export function signedTokenOf(signer: Signer, payload: string): string {
  return withSignature(
    { alg: "ES256", kid: signer.keyId },
    payload,
    (input) => sign("sha256", Buffer.from(input), { key: signer.privateKey, dsaEncoding: "ieee-p1363" }),
  );
}

export const bearer = (name: string, token: string): Forgery => ({ name, headers: { authorization: `Bearer ${token}` } });
export const hmac = (algorithm: string, secret: string | Uint8Array): Sign => (input) => createHmac(algorithm, secret).update(input).digest();
export const noSignature: Sign = () => new Uint8Array();

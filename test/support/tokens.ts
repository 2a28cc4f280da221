import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { TestDatabase } from "./database.ts";

/** Every test token's issuer: what SUPABASE_URL makes the default of AUDIT_JWT_ISSUER. */
export const supabaseUrl = "http://127.0.0.1:54321";
export const secretKey = "sb_secret_test00000000000000000000_00000000";
export const publishableKey = "sb_publishable_test0000000000000000_00000000";

const keyId = "test-key";
const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });

/** The JWKS that verifies `signToken`'s tokens; a new key pair in every test file. */
export const jwks = { keys: [{ ...await exportJWK(publicKey), kid: keyId, alg: "ES256", use: "sig" }] };

export type TokenOverrides = {
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds from now; negative for a token that has expired. */
  readonly expiresInSeconds?: number;
  readonly keyId?: string;
};

/** A user's access token as Supabase Auth signs it, with `claims` added or replacing. */
export async function signToken(claims: JWTPayload & { readonly app_metadata?: unknown } = {}, overrides: TokenOverrides = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({ role: "authenticated", aal: "aal1", sub: "00000000-0000-4000-8000-000000000001", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: overrides.keyId ?? keyId, typ: "JWT" })
    .setIssuer(overrides.issuer ?? `${supabaseUrl}/auth/v1`)
    .setAudience(overrides.audience ?? "authenticated")
    .setIssuedAt(now - 1)
    .setExpirationTime(now + (overrides.expiresInSeconds ?? 3600))
    .sign(privateKey);
}

/** The environment of a function under test; a test adds or overrides names by spreading it. */
export function testEnvironment(database: Pick<TestDatabase, "url">): Record<string, string> {
  return {
    SUPABASE_URL: supabaseUrl,
    SUPABASE_JWKS: JSON.stringify(jwks),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
    AUDIT_DATABASE_URL: database.url,
    AUDIT_CURSOR_KEY: Buffer.alloc(32, 7).toString("base64"),
    // Quotas that no test of something else meets.
    AUDIT_INGEST_EVENTS_PER_SECOND: "1000000",
    AUDIT_READS_PER_SECOND: "100000",
    AUDIT_LOG_ORIGIN: "test.audit-events.dev",
  };
}

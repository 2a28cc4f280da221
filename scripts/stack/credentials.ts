import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { type DemoTenant, makeDemoTenants } from "./demo-tenants.ts";
import { writePrivateFile } from "./private-file.ts";

/** Every secret of one local stack, made at its first start and kept in its data folder, so that keys and tokens survive a restart. */
export type Credentials = {
  readonly superuserPassword: string;
  readonly postgresPassword: string;
  readonly secretKey: string;
  readonly publishableKey: string;
  /** Private ES256 key that signs user tokens, with its `kid`. */
  readonly tokenKey: JWK;
  readonly signingKey: string;
  readonly verifierKey: string;
  readonly logOrigin: string;
  readonly cursorKey: string;
  readonly tenants: readonly DemoTenant[];
};

/** The same whatever port the stack listens on: a token must outlive `--port`. */
export const tokenIssuer = "http://127.0.0.1:54321/auth/v1";

/** The credentials in `file`; makes and keeps those that it does not hold yet. */
export async function readCredentials(file: string): Promise<Credentials> {
  const stored: Partial<Credentials> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const tokenKey = stored.tokenKey ?? await makeTokenKey();
  const logOrigin = stored.logOrigin ?? `local.audit-events.dev/${randomBytes(4).toString("hex")}`;
  const notePair = stored.signingKey !== undefined && stored.verifierKey !== undefined
    ? { signingKey: stored.signingKey, verifierKey: stored.verifierKey }
    : await makeSigningKey(logOrigin, randomBytes(32));
  const credentials: Credentials = {
    superuserPassword: stored.superuserPassword ?? randomText(24),
    postgresPassword: stored.postgresPassword ?? randomText(24),
    secretKey: stored.secretKey ?? makeProjectKey("sb_secret_"),
    publishableKey: stored.publishableKey ?? makeProjectKey("sb_publishable_"),
    tokenKey,
    ...notePair,
    logOrigin,
    cursorKey: stored.cursorKey ?? randomText(32),
    tenants: stored.tenants ?? await makeDemoTenants(tokenKey, tokenIssuer),
  };
  if (Object.keys(credentials).some((name) => !(name in stored))) writePrivateFile(file, JSON.stringify(credentials, null, 2));
  return credentials;
}

/** The public half of the token key as a JWKS, what `/auth/v1/.well-known/jwks.json` serves. */
export function publicKeySet({ tokenKey }: Credentials): { readonly keys: readonly JWK[] } {
  const { d: _private, ...publicKey } = tokenKey;
  return { keys: [{ ...publicKey, key_ops: ["verify"] }] };
}

async function makeTokenKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...await exportJWK(privateKey), kid: randomBytes(8).toString("hex"), alg: "ES256", use: "sig" };
}

/** Supabase's form: 22 random characters and 8 that check them. */
function makeProjectKey(prefix: string): string {
  const body = `${prefix}${randomText(22).slice(0, 22)}`;
  return `${body}_${createHash("sha256").update(body).digest("base64url").slice(0, 8)}`;
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}

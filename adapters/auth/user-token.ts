import { createLocalJWKSet, decodeProtectedHeader, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import type { Caller } from "../../core/caller.ts";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Settings } from "../environment.ts";
import { unauthenticated } from "./credentials.ts";
import { isReadRole, scopesOf } from "./read-role.ts";
import { fetchedTokenKeys } from "./token-keys.ts";

/** Turns a user's access token into a caller; throws `unauthenticated`, `forbidden` when it names no tenant, or `unavailable`. */
export type UserTokens = (token: string) => Promise<Caller>;

/** What is fixed about tokens: an algorithm is never taken from the token itself, RFC 8725 section 3.1. */
const algorithms = ["ES256", "RS256", "EdDSA"];

// A colon would let a user's subject look like the one that a key's claims carry.
const subject = /^[A-Za-z0-9_.|@+-]{1,200}$/;

/** User tokens as Supabase Auth signs them, verified by its JWKS (RFC 7519, RFC 8725). Tenants and role come from `app_metadata` alone. */
export function userTokens(settings: Pick<Settings, "jwks" | "jwksUrl" | "jwtIssuer">, now: () => Date, fetchKeys?: typeof fetch): UserTokens {
  const keys = settings.jwks === undefined ? fetchedTokenKeys(settings.jwksUrl, now, fetchKeys) : createLocalJWKSet(settings.jwks);
  return async (token) => callerOf(await verify(token, keys, settings.jwtIssuer, now()));
}

async function verify(token: string, keys: JWTVerifyGetKey, issuer: string, currentDate: Date): Promise<JWTPayload> {
  try {
    // jose understands the extension "b64" and would accept it; a token of ours has no extension.
    if (decodeProtectedHeader(token).crit !== undefined) throw unauthenticated("token has critical extensions: send one as Supabase Auth signs them");
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      issuer,
      audience: "authenticated",
      requiredClaims: ["exp", "sub"],
      clockTolerance: limits.tokenClockToleranceSeconds,
      currentDate,
    });
    const issuedAt = payload.iat ?? 0;
    if (issuedAt > currentDate.getTime() / 1000 + limits.tokenClockToleranceSeconds) throw unauthenticated("token is issued in the future: sign in again");
    return payload;
  } catch (error) {
    if (error instanceof AuditError) throw error;
    throw unauthenticated(error instanceof errors.JWTExpired ? "token has expired: sign in again" : "token is not valid: sign in again", error);
  }
}

function callerOf(payload: JWTPayload): Caller {
  if (payload["role"] !== "authenticated") throw unauthenticated("token is not a user's: send one of a user who has signed in, or an API key");
  if (typeof payload.sub !== "string" || !subject.test(payload.sub)) {
    throw unauthenticated("token's subject is not usable: send one as Supabase Auth signs them");
  }
  const metadata = metadataOf(payload["app_metadata"]);
  const tenants = [...new Set([...metadata.tenant_id === undefined ? [] : [metadata.tenant_id], ...metadata.tenant_ids ?? []])];
  if (tenants.length === 0) {
    throw new AuditError("forbidden", "read token: app_metadata names no tenant; have an administrator grant you one, and sign in again");
  }
  const role = isReadRole(metadata.audit_role) ? metadata.audit_role : undefined;
  return {
    kind: "user",
    principal: `user:${payload.sub}`,
    tenants,
    scopes: new Set(["ingest", ...scopesOf(role)]),
    claims: { sub: payload.sub, role: "authenticated", app_metadata: { tenant_ids: tenants, ...role === undefined ? {} : { audit_role: role } } },
  };
}

const tenantId = z.guid().transform((id) => id.toLowerCase());
const metadataSchema = z.looseObject({
  tenant_id: tenantId.optional(),
  tenant_ids: z.array(tenantId).max(limits.tenantsPerTokenMax).optional(),
});

/** One bad tenant id spoils the token: granting the rest would hide a fault of whoever writes these claims. */
function metadataOf(value: unknown): z.output<typeof metadataSchema> {
  const parsed = metadataSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const fault = `tenant_id or tenant_ids is not a UUID or a list of at most ${limits.tenantsPerTokenMax} UUIDs`;
  throw new AuditError("forbidden", `read token: app_metadata.${fault}; have an administrator mend it, and sign in again`);
}

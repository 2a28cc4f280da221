import { bearer, type Claims, type Forgery, type ForgeryScope, goodClaims, hmac, signedToken, withSignature } from "./forged-tokens-signer.ts";

/** Signed by the right key, and saying the wrong thing. */
export function forgedClaims(scope: ForgeryScope): Forgery[] {
  const now = Math.floor(Date.now() / 1000);
  const claiming = (name: string, changes: Claims) => bearer(name, signedToken(scope.signer, { ...goodClaims(scope), ...changes }));
  return [
    claiming("expired", { exp: now - 3600 }),
    claiming("expired just beyond the tolerance", { exp: now - 35 }),
    claiming("no exp", { exp: undefined }),
    claiming("exp null", { exp: null }),
    claiming("exp as text", { exp: String(now + 3600) }),
    claiming("exp negative", { exp: -1 }),
    claiming("not yet valid", { nbf: now + 3600 }),
    claiming("issued in the future", { iat: now + 3600 }),
    claiming("issuer of another project", { iss: "https://other.supabase.co/auth/v1" }),
    claiming("issuer with a tail", { iss: `${scope.issuer}/` }),
    claiming("issuer that only begins right", { iss: `${scope.issuer}.evil.example` }),
    claiming("issuer as a list", { iss: [scope.issuer] }),
    claiming("no issuer", { iss: undefined }),
    claiming("another audience", { aud: "other" }),
    claiming("no audience", { aud: undefined }),
    claiming("audience list without ours", { aud: ["a", "b"] }),
    claiming("audience in capitals", { aud: "AUTHENTICATED" }),
    claiming("role anon", { role: "anon" }),
    claiming("role service_role", { role: "service_role" }),
    claiming("role supabase_admin", { role: "supabase_admin" }),
    claiming("role as a list", { role: ["authenticated"] }),
    claiming("no role", { role: undefined }),
    claiming("no subject", { sub: undefined }),
    claiming("empty subject", { sub: "" }),
    claiming("subject of an API key", { sub: "key:abcdefghijkl" }),
    claiming("subject of a secret key", { sub: "secret:default" }),
    claiming("subject that is a number", { sub: 1 }),
    claiming("subject that is a list", { sub: ["00000000-0000-4000-8000-000000000001"] }),
    claiming("subject with a line feed", { sub: "a\nb" }),
  ];
}

/** Good tokens of users who have no tenant, or who wrote themselves one where anybody may write. */
export function forgedTenants(scope: ForgeryScope): Forgery[] {
  const { tenantId, otherTenantId } = scope;
  const of = (name: string, app: unknown, more: Claims = {}) => bearer(name, signedToken(scope.signer, { ...goodClaims(scope), app_metadata: app, ...more }));
  return [
    of("tenant only in user_metadata", {}, { user_metadata: { tenant_id: tenantId, tenant_ids: [tenantId] } }),
    of("tenant beside app_metadata", undefined, { tenant_id: tenantId, tenant_ids: [tenantId] }),
    of("app_metadata as text", JSON.stringify({ tenant_id: tenantId })),
    of("app_metadata as a list", [{ tenant_id: tenantId }]),
    of("app_metadata null", null),
    of("no tenants", { tenant_ids: [] }),
    of("tenants as text", { tenant_ids: tenantId }),
    of("tenant any", { tenant_id: "any" }),
    of("tenants any", { tenant_ids: ["any"] }),
    of("tenant *", { tenant_id: "*" }),
    of("tenants as an object", { tenant_ids: { 0: tenantId, length: 1 } }),
    of("tenants in a list in a list", { tenant_ids: [[tenantId]] }),
    of("tenant in braces", { tenant_id: `{${tenantId}}` }),
    of("tenant under __proto__", JSON.parse(`{"__proto__":{"tenant_id":"${tenantId}"}}`)),
    of("101 tenants", { tenant_ids: Array.from({ length: 101 }, (_, n) => tenantId.slice(0, -3) + String(n).padStart(3, "0")) }),
    { ...of("another tenant, as tenant_id", { tenant_id: otherTenantId }), foreign: true },
    { ...of("another tenant, with user_metadata of ours", { tenant_ids: [otherTenantId] }, { user_metadata: { tenant_id: tenantId } }), foreign: true },
  ];
}

export function forgedApiKeys({ apiKeys }: ForgeryScope): Forgery[] {
  const { foreign = "", ...bad } = apiKeys;
  return [
    ...Object.entries(bad).flatMap(([fault, key]) => [bearer(`API key: ${fault}`, key), { name: `API key as apikey: ${fault}`, headers: { apikey: key } }]),
    { ...bearer("API key of another tenant", foreign), foreign: true },
    { name: "API key of another tenant as apikey", headers: { apikey: foreign }, foreign: true },
    bearer("API key without its end", foreign.slice(0, -1)),
    bearer("API key with a tail", `${foreign}0`),
    bearer("API key in capitals", foreign.toUpperCase()),
    bearer("API key prefix alone", "aud_"),
    bearer("API key with SQL", "aud_' or '1'='1"),
    bearer("API key of 10 KB", `aud_${"a".repeat(10_000)}`),
  ];
}

export function forgedProjectKeys(scope: ForgeryScope): Forgery[] {
  const { secretKey, publishableKey } = scope;
  const legacy = (role: string) =>
    withSignature(
      { alg: "HS256", typ: "JWT" },
      { iss: "supabase", ref: "test", role, iat: 1_700_000_000, exp: 2_000_000_000 },
      hmac("sha256", "super-secret-jwt-token-with-at-least-32-characters-long"),
    );
  return [
    { name: "no credential", headers: {} },
    { name: "publishable key alone", headers: { apikey: publishableKey } },
    bearer("publishable key as a bearer", publishableKey),
    { name: "publishable key on both headers", headers: { apikey: publishableKey, authorization: `Bearer ${publishableKey}` } },
    { name: "good publishable key beside a bad token", headers: { apikey: publishableKey, authorization: "Bearer a.b.c" } },
    { name: "good secret key beside a bad token", headers: { apikey: secretKey, authorization: "Bearer a.b.c" } },
    { name: "good secret key beside an expired API key", headers: { apikey: secretKey, authorization: `Bearer ${scope.apiKeys["expired"] ?? "aud_x"}` } },
    bearer("secret key without its end", secretKey.slice(0, -1)),
    bearer("secret key with a tail", `${secretKey}0`),
    bearer("secret key in capitals", secretKey.toUpperCase()),
    bearer("secret key's prefix", "sb_secret_"),
    { name: "secret key twice in one header", headers: { apikey: `${secretKey}, ${secretKey}` } },
    { name: "secret key without the scheme", headers: { authorization: secretKey } },
    { name: "secret key as Basic", headers: { authorization: `Basic ${Buffer.from(`x:${secretKey}`).toString("base64")}` } },
    { name: "secret key as a cookie", headers: { cookie: `sb-access-token=${secretKey}; apikey=${secretKey}` } },
    { name: "secret key as x-api-key", headers: { "x-api-key": secretKey } },
    { name: "secret key in the URL", headers: {}, query: `?apikey=${secretKey}&access_token=${secretKey}` },
    bearer("legacy service-role token of the published example secret", legacy("service_role")),
    bearer("legacy anon token of the published example secret", legacy("anon")),
    { name: "legacy service-role token as apikey", headers: { apikey: legacy("service_role") } },
    bearer("word undefined", "undefined"),
    bearer("word null", "null"),
    { name: "bearer without a token", headers: { authorization: "Bearer " } },
    { name: "two bearers", headers: { authorization: `Bearer ${secretKey}, Bearer ${secretKey}` } },
    { name: "method override", headers: { "x-supabase-role": "service_role", "x-forwarded-user": "admin", "x-http-method-override": "OPTIONS" } },
  ];
}

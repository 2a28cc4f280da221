import { createHash, randomBytes, randomUUID } from "node:crypto";
import { importJWK, type JWK, SignJWT } from "jose";
import pg from "pg";
import { makeApiKey, parseApiKey } from "../../core/api-key.ts";

const scopes = ["ingest", "read", "export", "admin"] as const;
const roles = ["viewer", "auditor", "admin"] as const;

/** A tenant to try things with, in the form in which local.json shows it. */
export type DemoTenant = {
  readonly id: string;
  readonly name: string;
  readonly api_keys: Readonly<Record<(typeof scopes)[number], string>>;
  readonly tokens: Readonly<Record<(typeof roles)[number], string>>;
};

/** Two tenants, because what matters most about one is that it cannot see the other. */
const tenants = [
  { id: "123e4567-e89b-12d3-a456-426614174000", name: "Demo" },
  { id: "123e4567-e89b-12d3-a456-426614174001", name: "Second demo" },
];

/** The demo tenants with a key of every scope and a user token of every role. */
export function makeDemoTenants(tokenKey: JWK, issuer: string): Promise<readonly DemoTenant[]> {
  return Promise.all(tenants.map(async (tenant) => ({
    ...tenant,
    api_keys: Object.fromEntries(scopes.map((scope) => [scope, makeApiKey(randomBytes).text])) as DemoTenant["api_keys"],
    tokens: Object.fromEntries(
      await Promise.all(roles.map(async (role) => [role, await signUserToken(tokenKey, issuer, tenant.id, role)])),
    ) as DemoTenant["tokens"],
  })));
}

/** A user's access token as Supabase Auth signs it, but valid for ten years: it stands in a file that survives restarts. */
async function signUserToken(tokenKey: JWK, issuer: string, tenantId: string, role: string): Promise<string> {
  return await new SignJWT({
    role: "authenticated",
    aal: "aal1",
    session_id: randomUUID(),
    email: `${role}@example.com`,
    app_metadata: { provider: "email", providers: ["email"], tenant_id: tenantId, audit_role: role },
    user_metadata: {},
  })
    .setProtectedHeader({ alg: "ES256", kid: tokenKey.kid ?? "", typ: "JWT" })
    .setSubject(randomUUID())
    .setIssuer(issuer)
    .setAudience("authenticated")
    .setIssuedAt()
    .setExpirationTime("10y")
    .sign(await importJWK(tokenKey, "ES256"));
}

/** Makes sure that the database knows the tenants and their keys. Keys that were revoked since stay revoked. `url` logs in as `postgres`. */
export async function recordDemoTenants(url: string, demo: readonly DemoTenant[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    for (const tenant of demo) {
      await client.query("begin; set local role audit_job");
      await client.query("select audit_log.create_tenant($1, $2)", [tenant.id, tenant.name]);
      await client.query("commit");
      for (const [scope, key] of Object.entries(tenant.api_keys)) await recordKey(client, tenant, scope, key);
    }
  } finally {
    await client.end();
  }
}

async function recordKey(client: pg.Client, tenant: DemoTenant, scope: string, key: string): Promise<void> {
  const hash = createHash("sha256").update(key).digest();
  await client.query("begin; set local role audit_ingest");
  const known = await client.query("select from audit_log.find_key($1)", [hash]);
  await client.query("commit");
  if (known.rowCount !== 0) return;
  await client.query("begin; set local role audit_job");
  await client.query("select audit_log.create_key($1, $2, $3, $4, $5, null)", [tenant.id, parseApiKey(key)?.id, hash, `${tenant.name} ${scope}`, [scope]]);
  await client.query("commit");
}

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readSettings, SettingsError, type VariableName, variables } from "./environment.ts";

const minimal = { SUPABASE_URL: "https://project.example/", AUDIT_DATABASE_URL: "postgresql://postgres:pw@db.example:6543/postgres" };
const tenant = "123e4567-e89b-12d3-a456-426614174000";

function faultsOf(env: Record<string, string | undefined>, needs: readonly VariableName[] = []): readonly string[] {
  try {
    readSettings(env, needs);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe("readSettings()", () => {
  it("needs only the project's URL and a database, and fills in the documented defaults", () => {
    const settings = readSettings(minimal);
    expect(settings).toMatchObject({
      supabaseUrl: "https://project.example",
      jwtIssuer: "https://project.example/auth/v1",
      jwksUrl: "https://project.example/auth/v1/.well-known/jwks.json",
      jwks: undefined,
      databasePoolSize: 4,
      eventMaxAgeDays: 7,
      eventMaxAheadMinutes: 60,
      hotDays: 90,
      retentionYears: 10,
      retentionFloorYears: 1,
      anonTenantId: undefined,
      trustedProxies: [],
      allowedOrigins: "*",
    });
    expect(settings.secretKeys.size + settings.publishableKeys.size).toBe(0);
  });

  it("takes an empty variable as absent", () => {
    const empty = Object.fromEntries(Object.keys(variables).map((name) => [name, ""]));
    expect(readSettings({ ...empty, ...minimal })).toEqual(readSettings(minimal));
  });

  it("prefers our database URL to Supabase's, and makes do with Supabase's", () => {
    const other = "postgresql://postgres@direct.example/postgres";
    expect(readSettings({ ...minimal, SUPABASE_DB_URL: other }).databaseUrl).toBe(minimal.AUDIT_DATABASE_URL);
    expect(readSettings({ SUPABASE_URL: minimal.SUPABASE_URL, SUPABASE_DB_URL: other }).databaseUrl).toBe(other);
  });

  it("names every fault at once, and what to set", () => {
    const faults = faultsOf({ AUDIT_HOT_DAYS: "7", AUDIT_ANON_TENANT_ID: "tenant", AUDIT_DATABASE_POOL_SIZE: "many" }, ["AUDIT_SIGNING_KEY"]);
    expect(faults.map((fault) => fault.split(":")[0]).toSorted()).toEqual([
      "AUDIT_ANON_TENANT_ID",
      "AUDIT_DATABASE_POOL_SIZE",
      "AUDIT_DATABASE_URL",
      "AUDIT_HOT_DAYS",
      "AUDIT_SIGNING_KEY",
      "SUPABASE_URL",
    ]);
    for (const fault of faults) expect(fault).toMatch(/^[A-Z_]+: set \w/);
  });

  it("keeps every value out of its messages", () => {
    const canary = "c4n4ry\u0000 value";
    const faults = faultsOf(Object.fromEntries(Object.keys(variables).map((name) => [name, canary])));
    expect(faults).toHaveLength(Object.keys(variables).length);
    expect(faults.join("\n")).not.toContain("c4n4ry");
  });

  it("keeps values inside JSON out of its messages", () => {
    const faults = faultsOf({ ...minimal, SUPABASE_SECRET_KEYS: '{"c4n4ry": "short", "b": 1}', SUPABASE_JWKS: '{"keys": ["c4n4ry"]}' });
    expect(faults).toHaveLength(2);
    expect(faults.join("\n")).not.toContain("c4n4ry");
  });

  it("reads keys by name, and the legacy ones beside them", () => {
    const settings = readSettings({
      ...minimal,
      SUPABASE_SECRET_KEYS: '{"default": "sb_secret_aaaaaaaaaaaaaaaa", "service_role": "sb_secret_bbbbbbbbbbbbbbbb"}',
      SUPABASE_SERVICE_ROLE_KEY: "legacy.service.role",
      SUPABASE_ANON_KEY: "legacy.anon.key",
    });
    expect([...settings.secretKeys.keys()]).toEqual(["default", "service_role", "legacy_service_role"]);
    expect([...settings.publishableKeys]).toEqual([["anon", "legacy.anon.key"]]);
  });

  it("reads a key set as an object or as a bare list", () => {
    const keys = [{ kty: "EC", crv: "P-256", x: "a", y: "b" }];
    expect(readSettings({ ...minimal, SUPABASE_JWKS: JSON.stringify({ keys }) }).jwks).toEqual({ keys });
    expect(readSettings({ ...minimal, SUPABASE_JWKS: JSON.stringify(keys) }).jwks).toEqual({ keys });
  });

  it.each<[VariableName, string, string]>([
    ["SUPABASE_URL", "http://127.0.0.1:54321", "ftp://project.example"],
    ["SUPABASE_DB_URL", "postgres://localhost/postgres", "mysql://localhost/postgres"],
    ["AUDIT_DATABASE_POOL_SIZE", "100", "101"],
    ["AUDIT_EVENT_MAX_AGE_DAYS", "1", "0"],
    ["AUDIT_EVENT_MAX_AHEAD_MINUTES", "0", "-1"],
    ["AUDIT_HOT_DAYS", "8", "7"],
    ["AUDIT_RETENTION_YEARS", "7", "7.5"],
    ["AUDIT_RETENTION_FLOOR_YEARS", "10", "11"],
    ["AUDIT_ARCHIVE_URL", "supabase:audit-archive", "https://bucket.example"],
    ["AUDIT_ARCHIVE_URL", "file:/var/lib/audit", "file:"],
    ["AUDIT_SIGNING_KEY", "PRIVATE+KEY+log.example+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "log.example+c74f20a3+AYEK"],
    ["AUDIT_LOG_ORIGIN", "log.example/audit", "log example"],
    ["AUDIT_CURSOR_KEY", "0123456789abcdef0123456789abcdef", "0123456789abcdef"],
    ["AUDIT_ANON_TENANT_ID", tenant, `{${tenant}}`],
    ["AUDIT_DEFAULT_TENANT_ID", tenant.toUpperCase(), tenant.replaceAll("-", "")],
    ["AUDIT_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8", "10.0.0.1"],
    ["AUDIT_CLIENT_IP_HEADER", "CF-Connecting-IP", "cf connecting ip"],
    ["AUDIT_ALLOWED_ORIGINS", "https://app.example.com,http://localhost:3000", "https://app.example.com/"],
    ["AUDIT_JWT_ISSUER", "https://other.example/auth/v1", "two words"],
    ["SUPABASE_PUBLISHABLE_KEYS", '{"default": "sb_publishable_aaaaaaaa"}', '["sb_publishable_aaaaaaaa"]'],
  ])("reads %s=%s and refuses %s", (name, good, bad) => {
    expect(faultsOf({ ...minimal, [name]: good })).toEqual([]);
    expect(faultsOf({ ...minimal, [name]: bad })).toEqual([expect.stringContaining(`${name}: set `)]);
  });

  it("writes tenant ids in lower case", () => {
    expect(readSettings({ ...minimal, AUDIT_ANON_TENANT_ID: tenant.toUpperCase() }).anonTenantId).toBe(tenant);
  });
});

describe(".env.example", () => {
  it("lists exactly the variables that are read, and is valid as it stands", async () => {
    const text = await readFile(new URL("../.env.example", import.meta.url), "utf8");
    const entries = [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map((match): [string, string] => [match[1] ?? "", match[2] ?? ""]);
    expect(entries.map(([name]) => name).toSorted()).toEqual(Object.keys(variables).toSorted());
    expect(faultsOf(Object.fromEntries(entries))).toEqual([]);
  });
});

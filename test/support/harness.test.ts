import { fileURLToPath } from "node:url";
import { importJWK, jwtVerify } from "jose";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { birthOf } from "../../scripts/stack/process-record.ts";
import { createDatabase, type TestDatabase } from "./database.ts";
import { startFunction } from "./functions.ts";
import { jwks, signToken, supabaseUrl, testEnvironment } from "./tokens.ts";

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function withDatabase(use: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await createDatabase({ template: "prelude" });
  try {
    await use(database);
  } finally {
    await database.drop();
  }
}

describe("createDatabase()", () => {
  it("logs in as postgres like a hosted project: no superuser, but allowed to make roles", () =>
    withDatabase(async ({ url }) => {
      const [role] = await query(url, "select rolname, rolsuper, rolcreaterole, rolbypassrls from pg_roles where rolname = current_user");
      expect(role).toEqual({ rolname: "postgres", rolsuper: false, rolcreaterole: true, rolbypassrls: true });
    }));

  it("gives every caller a database of its own", () =>
    withDatabase((one) =>
      withDatabase(async (other) => {
        await query(one.url, "create table mark ()");
        expect(await query(other.url, "select to_regclass('public.mark') as mark")).toEqual([{ mark: null }]);
      })
    ));

  it("has auth functions that see no claims before, and none after, a transaction that set them", () =>
    withDatabase(async ({ url }) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const claims = async () => (await client.query("select auth.jwt() as jwt, auth.uid() as uid, auth.role() as role")).rows[0];
      const none = { jwt: {}, uid: null, role: null };
      expect(await claims()).toEqual(none);
      await client.query(`begin; set local request.jwt.claims = '{"sub":"7f8e1d3c-0000-4000-8000-000000000000","role":"authenticated"}'`);
      expect(await claims()).toMatchObject({ uid: "7f8e1d3c-0000-4000-8000-000000000000", role: "authenticated" });
      await client.query("commit");
      expect(await claims()).toEqual(none);
      await client.end();
    }));
});

describe("startFunction()", () => {
  it.each(["2.9", "2.1.4"] as const)(
    "runs a function on Deno %s that sees its name, its environment and nothing else",
    (denoVersion) =>
      withDatabase(async (database) => {
        const env = testEnvironment(database);
        const entry = fileURLToPath(new URL("probe-function.ts", import.meta.url));
        const probe = await startFunction("probe", { env, entry, denoVersion });
        try {
          const answer = await (await fetch(`${probe.url}/some/path`)).json();
          expect(answer).toMatchObject({ path: "/probe/some/path", login: "postgres", readFile: expect.stringMatching(/NotCapable|PermissionDenied|Error/) });
          expect(answer.environment.sort()).toEqual(Object.keys(env).sort());
          expect(answer.callOutside).not.toBe("allowed");
        } finally {
          await probe.stop();
        }
        expect(birthOf(probe.pid)).toBeUndefined();
      }),
  );

  it("throws what a function printed that cannot start", async () => {
    await expect(startFunction("absent", { env: {} })).rejects.toThrow(/start function absent: .*Module not found/s);
  });
});

describe("signToken()", () => {
  it("signs what the JWKS verifies", async () => {
    const { payload } = await jwtVerify(await signToken({ app_metadata: { audit_role: "viewer" } }), await importJWK(jwks.keys[0] ?? {}, "ES256"), {
      issuer: `${supabaseUrl}/auth/v1`,
      audience: "authenticated",
    });
    expect(payload).toMatchObject({ role: "authenticated", app_metadata: { audit_role: "viewer" } });
  });
});

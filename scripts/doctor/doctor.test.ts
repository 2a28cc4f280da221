import { describe, expect, it } from "vitest";
import { checkDatabaseUrl } from "./check-database-url.ts";
import { checkSecretKey, checkTokenKeys } from "./check-keys.ts";
import { checkSettings } from "./check-settings.ts";
import type { Finding } from "./finding.ts";
import { makeSigningKey } from "../../core/format/signed-note.ts";

const ref = "abcdefghijklmnopqrst";
const other = "tsrqponmlkjihgfedcba";
const states = (findings: readonly Finding[]) => findings.map(({ state, check, detail }) => `${state} ${check}: ${detail}`);
const notOk = (findings: readonly Finding[]) => states(findings.filter(({ state }) => state !== "ok"));

describe("checkDatabaseUrl()", () => {
  const shared = (user: string, port: number, query = "?sslmode=verify-full") =>
    `postgresql://${user}:x@aws-0-eu-central-1.pooler.supabase.com:${port}/postgres${query}`;
  const own = (port: number, host = ref) => `postgresql://postgres:x@db.${host}.supabase.co:${port}/postgres?sslmode=verify-full`;

  it.each(
    [
      ["the transaction pooler for functions", shared(`postgres.${ref}`, 6543), "functions"],
      ["the project's own transaction pooler for functions", own(6543), "functions"],
      ["the session pooler for migrations", shared(`postgres.${ref}`, 5432), "migrations"],
      ["the direct connection for migrations", own(5432), "migrations"],
      ["a server of one's own, of which nothing is known", "postgresql://postgres:x@db.example.com/postgres", "functions"],
    ] as const,
  )("takes %s", (_what, url, use) => {
    expect(notOk(checkDatabaseUrl("URL", url, ref, use))).toEqual([]);
  });

  it.each(
    [
      ["the session pooler for functions", shared(`postgres.${ref}`, 5432), "functions", /^fault pooler: URL: is the session pooler/],
      ["the direct connection for functions", own(5432), "functions", /^fault pooler: URL: is the direct connection/],
      [
        "the transaction pooler for migrations",
        shared(`postgres.${ref}`, 6543),
        "migrations",
        /^fault connection of migrations: URL: is the transaction pooler/,
      ],
      ["the shared pooler without the project's user", shared("postgres", 6543), "functions", /its user is not postgres\.<project>/],
      ["another project's pooler", shared(`postgres.${other}`, 6543), "functions", /belongs to project tsrq/],
      ["another project's database", own(5432, other), "migrations", /belongs to project tsrq/],
      ["the example's password", own(6543).replace(":x@", ":PASSWORD@"), "functions", /holds no password, or the example's/],
      ["no TLS", shared(`postgres.${ref}`, 6543, ""), "functions", /^warning pooler: URL: does not ask for TLS/],
      ["what is no URL", "pooler", "functions", /is no URL/],
    ] as const,
  )("tells %s", (_what, url, use, message) => {
    expect(notOk(checkDatabaseUrl("URL", url, ref, use))).toEqual([expect.stringMatching(message)]);
  });

  it("repeats no password", () => {
    const findings = checkDatabaseUrl("URL", own(5432, other).replace(":x@", ":hunter2@"), ref, "functions");
    expect(findings.length).toBeGreaterThan(1);
    expect(JSON.stringify(findings)).not.toContain("hunter2");
  });
});

describe("checkSecretKey()", () => {
  const legacy = (role: string) => `${btoa('{"alg":"HS256"}')}.${btoa(JSON.stringify({ role }))}.x`.replaceAll("=", "");

  it.each(
    [
      [undefined, "unchecked"],
      ["sb_secret_0123456789", "ok"],
      ["sb_publishable_0123456789", "fault"],
      [legacy("service_role"), "warning"],
      [legacy("anon"), "fault"],
      ["password", "fault"],
    ] as const,
  )("finds %s: %s", (key, state) => {
    expect(checkSecretKey(key)).toEqual([expect.objectContaining({ state })]);
  });
});

describe("checkTokenKeys()", () => {
  const answering = (status: number, body: unknown): typeof fetch => async () => Response.json(body, { status });

  it.each(
    [
      ["a public key", answering(200, { keys: [{ kty: "EC", alg: "ES256" }] }), "ok"],
      ["a shared secret: no key is published", answering(200, { keys: [] }), "fault"],
      ["a symmetric key among none of the others", answering(200, { keys: [{ kty: "oct" }] }), "fault"],
      ["no project there", answering(404, {}), "fault"],
      ["no network", async () => await Promise.reject(new TypeError("fetch failed")), "unchecked"],
    ] as const,
  )("finds %s", async (_what, fetchOf, state) => {
    expect(await checkTokenKeys("https://x.example", fetchOf)).toEqual([expect.objectContaining({ state })]);
  });
});

describe("checkSettings()", async () => {
  const { signingKey } = await makeSigningKey("log.example", new Uint8Array(32).fill(1));
  const good = {
    AUDIT_DATABASE_URL: `postgresql://postgres.${ref}:x@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?sslmode=verify-full`,
    AUDIT_SIGNING_KEY: signingKey,
    AUDIT_LOG_ORIGIN: "log.example",
    AUDIT_CURSOR_KEY: "c".repeat(32),
    AUDIT_ARCHIVE_URL: "supabase:audit-archive",
  };
  const check = (changes: Readonly<Record<string, string | undefined>> = {}) => checkSettings({ ...good, ...changes }, "https://x.supabase.co", ref);

  it("finds nothing wrong with complete settings", async () => {
    expect(notOk(await check())).toEqual([]);
  });

  it("says of everything that must be there how to come by it", async () => {
    const faults = (await check({ AUDIT_CURSOR_KEY: undefined, AUDIT_SIGNING_KEY: undefined, AUDIT_LOG_ORIGIN: undefined })).filter(({ state }) =>
      state === "fault"
    );
    expect(faults.map(({ detail, remedy }) => [detail.split(":")[0], remedy !== undefined]).sort()).toEqual(
      [["AUDIT_CURSOR_KEY", true], ["AUDIT_LOG_ORIGIN", true], ["AUDIT_SIGNING_KEY", true]],
    );
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, RegExp]>([
    ["a missing cursor key", { AUDIT_CURSOR_KEY: undefined }, /^fault settings: AUDIT_CURSOR_KEY: set/],
    [
      "a signing key whose id does not fit",
      { AUDIT_SIGNING_KEY: signingKey.replace(/\+[0-9a-f]{8}\+/, "+00000000+") },
      /^fault signing key: AUDIT_SIGNING_KEY: parse/,
    ],
    ["a signing key of another log", { AUDIT_LOG_ORIGIN: "other.example" }, /^warning signing key: is named log\.example, the log other\.example/],
    ["a folder as archive", { AUDIT_ARCHIVE_URL: "file:/tmp" }, /^fault settings: AUDIT_ARCHIVE_URL: is a folder/],
    ["no archive", { AUDIT_ARCHIVE_URL: undefined }, /^warning settings: AUDIT_ARCHIVE_URL: is empty/],
    ["no pooler", { AUDIT_DATABASE_URL: undefined }, /^warning settings: AUDIT_DATABASE_URL: is empty/],
    ["an open tenant", { AUDIT_ANON_TENANT_ID: "123e4567-e89b-12d3-a456-426614174000" }, /^warning settings: AUDIT_ANON_TENANT_ID: is set/],
  ])("tells %s", async (_what, changes, message) => {
    expect(notOk(await check(changes))).toEqual([expect.stringMatching(message)]);
  });
});

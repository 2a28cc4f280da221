import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tenantA, tenantB } from "../api/service.ts";
import { type Door, openDoor } from "../http/door.ts";
import { runCommand } from "./run-command.ts";
import { runHere } from "./run-here.ts";

describe("npm run audit -- keys", () => {
  let door: Door;
  const folder = mkdtempSync(join(tmpdir(), "audit-keys-"));
  beforeAll(async () => {
    door = await openDoor();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await door.close();
  });
  // The address by the environment: a password in an argument is seen by everybody on the machine.
  const env = () => ({ SUPABASE_DB_URL: door.database.url });
  const run = (...args: string[]) => runHere(["keys", ...args], { AUDIT_DATABASE_URL: undefined, ...env() });
  /** As an operator does, once for each subcommand. */
  const runProcess = (...args: string[]) => runCommand(["keys", ...args], env());
  const make = async (tenant: string, name: string, ...scopes: string[]): Promise<{ readonly id: string; readonly secret: string }> =>
    JSON.parse((await run("create", "--tenant", tenant, "--name", name, "--scope", ...scopes, "--json")).out);
  const listed = async (...args: string[]) => JSON.parse((await run("list", "--json", ...args)).out).keys;
  const post = async (secret: string) => (await door.post([{ event_type: "key.used" }], { authorization: `Bearer ${secret}` })).status;

  it("lists the keys of one tenant or of all, newest first, with scopes and use, and never a secret", async () => {
    const first = await make(tenantA, "first\u001b[2J", "ingest");
    const second = await make(tenantA, "second", "read", "export");
    const other = await make(tenantB, "other", "admin");
    expect(await post(first.secret)).toBe(201);
    await expect.poll(async () => (await listed("--tenant", tenantA))[1].last_used_at).toMatch(/^\d{4}-\d\d-\d\dT/);
    const ids = (keys: readonly { readonly id: string }[]) => keys.map(({ id }) => id);
    expect(ids(await listed("--tenant", tenantA))).toEqual([second.id, first.id]);
    expect(ids(await listed()).sort()).toEqual([first.id, second.id, other.id].sort());
    expect((await listed("--tenant", tenantA))[0]).toEqual({
      id: second.id,
      prefix: `aud_${second.id}_`,
      tenant_id: tenantA,
      name: "second",
      scopes: ["read", "export"],
      status: "active",
      created_at: expect.stringMatching(/Z$/),
      expires_at: null,
      last_used_at: null,
      revoked_at: null,
    });
    const { out } = await runProcess("list");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(out).toContain(`tenant ${tenantA}\nID            STATUS   SCOPES`);
    expect(out).not.toContain("\u001b");
    for (const { secret } of [first, second, other]) expect(out).not.toContain(secret.split("_")[2]);
  });

  it("revokes a key by its id, records it once, and tells when it was revoked before", async () => {
    const { id, secret } = await make(tenantA, "leaked", "ingest");
    const revoked = await runProcess("revoke", id, "--tenant", tenantA, "--json");
    expect(revoked.status).toBe(0);
    expect(JSON.parse(revoked.out).key).toMatchObject({ id, tenant_id: tenantA, status: "revoked", revoked_at: expect.stringMatching(/Z$/) });
    await expect.poll(() => post(secret), { timeout: 60_000, interval: 500 }).toBe(401);
    expect(await run("revoke", id)).toMatchObject({ status: 0, out: expect.stringContaining("was revoked before, at ") });
    expect((await listed("--status", "revoked")).map((key: { readonly id: string }) => key.id)).toEqual([id]);
    const records = await door.admin("select tenant_id, event_type, principal from audit_log.events where object_id = $1 order by seq", [id]);
    expect(records.slice(1)).toEqual([{ tenant_id: tenantA, event_type: "audit.key.revoked", principal: "login:postgres" }]);
  });

  it("finds the tenant of a key that turned up somewhere, pasted whole too", async () => {
    const { id, secret } = JSON.parse((await runProcess("create", "--tenant", tenantB, "--name", "found in a repository", "--scope", "read", "--json")).out);
    const { status, out } = await run("revoke", secret);
    expect([status, out]).toEqual([0, expect.stringContaining(`API key ${id} of tenant ${tenantB} is revoked`)]);
    expect(out).not.toContain(secret);
  });

  it("refuses to revoke what is not there or belongs to another tenant, and changes nothing", async () => {
    const { id } = await make(tenantA, "mine", "read");
    const foreign = await run("revoke", id, "--tenant", tenantB, "--json");
    expect(foreign.status).toBe(2);
    expect(JSON.parse(foreign.out)).toMatchObject({ code: "not_found", hint: expect.stringContaining("keys list") });
    expect(await run("revoke", "000000000000")).toMatchObject({ status: 2, err: expect.stringContaining("no tenant has one with this id") });
    expect(await run("revoke", "nonsense")).toMatchObject({ status: 2, err: expect.stringContaining("12 lower-case letters and digits") });
    expect((await listed("--tenant", tenantA)).find((key: { readonly id: string }) => key.id === id).status).toBe("active");
  });

  it("tells a wrong use as JSON too, where --json asks for it", async () => {
    expect(await run("list", "--status", "gone", "--json")).toMatchObject({
      status: 2,
      out: expect.stringMatching(/^\{"status":"failed","code":"wrong_usage","message":"option '--status <status>' argument 'gone' is invalid\.[^\n]*\}\n$/),
      err: expect.stringContaining("error: option '--status <status>'"),
    });
  });

  it("says that there are none", async () => {
    expect(await run("list", "--tenant", "33333333-3333-4333-8333-333333333333")).toMatchObject({ status: 0, out: "No API keys.\n" });
  });

  it("refuses a name that no key may have before it asks the database", async () => {
    for (const name of ["", "x".repeat(256)]) {
      const { status, err } = await run("create", "--tenant", tenantA, "--scope", "read", "--name", name);
      expect([status, err]).toEqual([2, expect.stringContaining("1 to 255 bytes")]);
    }
  });

  it("rotates only when it can do all of it: files, times and names are looked at before the database is asked", async () => {
    const [from, to, out] = [join(folder, "from"), join(folder, "to"), join(folder, "statement")];
    expect((await runProcess("new", "log.example/audit", from)).status).toBe(0);
    expect((await run("new", "log.example/audit", to)).status).toBe(0);
    expect(await run("new", "two words", join(folder, "bad"))).toMatchObject({ status: 2, err: expect.stringContaining("without spaces and plus signs") });
    const rotation = ["rotate", "--origin", "log.example/audit", "--from", from, "--to", to];
    const rotate = (...args: string[]) => run(...rotation, ...args);
    writeFileSync(out, "kept");
    expect(await rotate("--out", out)).toMatchObject({ status: 2, err: expect.stringContaining("nothing is overwritten") });
    expect(readFileSync(out, "utf8")).toBe("kept");
    expect(await rotate("--at", "now")).toMatchObject({ status: 2, err: expect.stringMatching(/RFC 3339 time, like \S+; for now, leave --at out\./) });
    // It came as far as the database, which the environment names: its key is another one.
    expect(await runProcess(...rotation)).toMatchObject({ status: 2, err: expect.stringContaining("the key that retires is not in use") });
  });
});

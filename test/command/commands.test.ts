import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { tenantA, tenantB } from "../api/service.ts";
import { runCommand, startCommand } from "./run-command.ts";
import { runHere } from "./run-here.ts";
import { type ServedLog, startServedLog } from "./served-log.ts";

const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
const events = [
  { occurred_at: `${day}T10:00:00.000Z`, event_type: "order.created", actor_id: "alice@example.com", object_type: "order", object_id: "1" },
  {
    occurred_at: `${day}T10:00:01.000Z`,
    event_type: "order.cancelled",
    actor_id: `mallory\u001b[2J${"m".repeat(60)}`,
    result: "failure",
    object_id: "line\nbreak",
  },
];

const noTarget = Object.fromEntries(
  ["AUDIT_URL", "AUDIT_SECRET_KEY", "AUDIT_ARCHIVE_URL", "SUPABASE_URL", "SUPABASE_SECRET_KEY"].map((name) => [name, undefined]),
);

describe("npm run audit", () => {
  let log: ServedLog;
  const folder = mkdtempSync(join(tmpdir(), "audit-commands-"));
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    log = await startServedLog();
    await log.store(tenantA, events);
    await log.store(tenantB, [{ event_type: "second.tenant" }]);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.stop();
  });
  const keyOf = (scope: string, tenant = 0) => JSON.parse(readFileSync(join(log.local, "local.json"), "utf8")).tenants[tenant].api_keys[scope] as string;

  describe("query", () => {
    it("prints a table of 80 columns, in which an event cannot write to the terminal", async () => {
      const { status, out, err } = await log.run("query", "action:order.*", "--order", "asc");
      expect(status).toBe(0);
      expect(out.split("\n")).toEqual([
        "TIME (UTC)           RESULT   EVENT               ACTOR           OBJECT",
        `${day} 10:00:00  success  order.created       alice@example…  order 1`,
        `${day} 10:00:01  failure  order.cancelled     mallorymmmmmm…  line break`,
        "",
      ]);
      expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(err).toBe("2 events\n");
    });

    it("prints one JSON object a line for programs, and nothing else", async () => {
      const { status, out } = await log.run("query", "--event-type", "order.cancelled", "--json");
      expect(status).toBe(0);
      const [event, ...rest] = out.trimEnd().split("\n").map((line) => JSON.parse(line));
      expect(rest).toEqual([]);
      expect(event).toMatchObject({ ...events[1], tenant_id: tenantA, leaf_hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    });

    it("follows pages as far as --limit", async () => {
      await log.store(tenantB, Array.from({ length: 400 }, (_, n) => ({ event_type: "many.done", object_id: String(n) })));
      await log.store(tenantB, Array.from({ length: 400 }, (_, n) => ({ event_type: "many.done", object_id: String(n + 400) })));
      await log.store(tenantB, Array.from({ length: 400 }, (_, n) => ({ event_type: "many.done", object_id: String(n + 800) })));
      const count = async (limit: string) =>
        (await log.run("query", "type:many.done", "--tenant", "second", "--limit", limit, "--json")).out.trimEnd().split("\n").length;
      expect(await count("0")).toBe(1200);
      expect(await count("1001")).toBe(1001);
    });

    it("shows each tenant its own, by id and by name, and refuses another's", async () => {
      const own = await log.run("query", "second.tenant", "--tenant", "Second", "--json");
      expect(own.out.trimEnd().split("\n")).toHaveLength(1);
      expect((await log.run("query", "second.tenant", "--tenant", tenantA, "--json")).out).toBe("");
      const env = { AUDIT_API_URL: log.url, AUDIT_API_KEY: keyOf("read") };
      expect(await runCommand(["query", "--tenant", tenantA, "--json"], env)).toMatchObject({ status: 0 });
      const foreign = await runCommand(["query", "--tenant", tenantB, "--json"], env);
      expect(foreign.status).toBe(2);
      expect(JSON.parse(foreign.out)).toMatchObject({ status: "failed", code: "forbidden", hint: expect.stringContaining("key or token of this tenant") });
      expect(await log.run("query", "--tenant", "Third")).toMatchObject({ status: 2, err: expect.stringContaining(`Its tenants are ${tenantA} (First)`) });
    });

    it("says what is wrong with a query, where, and what to do without a service", async () => {
      const wrong = await log.run("query", "acter:alice", "--json");
      expect(wrong.status).toBe(2);
      expect(JSON.parse(wrong.out)).toMatchObject({ status: "failed", code: "invalid_parameter", message: expect.stringContaining("q:") });
      expect(await runCommand(["query"])).toMatchObject({ status: 2, err: expect.stringContaining("Give --local .audit, or set AUDIT_API_URL") });
      expect(await runCommand(["query"], { AUDIT_URL: log.url })).toMatchObject({ status: 2, err: expect.stringContaining("AUDIT_API_KEY") });
      expect(await runCommand(["query", "--local", folder])).toMatchObject({ status: 2, err: expect.stringContaining("Start a stack on it (npm start") });
      expect(await runCommand(["query"], { AUDIT_API_URL: log.url, AUDIT_API_KEY: "aud_x" })).toMatchObject({
        status: 2,
        err: expect.stringContaining("expired or revoked"),
      });
    });
  });

  describe("export", () => {
    it.each(["ndjson", "csv", "parquet"])("writes %s and checks it against the log's own record", async (format) => {
      const { status, out } = await log.run("export", "action:order.*", "--out", at(`orders.${format}`), "--json");
      expect(status).toBe(0);
      const report = JSON.parse(out);
      expect(report).toMatchObject({
        status: "whole",
        files: [at(`orders.${format}`)],
        rows: 2,
        parts: [{ file_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      });
      const { rows } = await log.admin.query("select context from audit_log.events where id = $1", [report.parts[0].record_id]);
      expect(rows[0].context).toMatchObject({ rows: 2, format, file_sha256: report.parts[0].file_sha256 });
      if (format === "parquet") return;
      const text = readFileSync(at(`orders.${format}`), "utf8");
      for (const word of ["order.created", "order.cancelled"]) expect(text).toContain(word);
    });

    it("prints the events, and nothing beside them, where --out is -", async () => {
      const { status, out, err } = await log.run("export", "action:order.*", "--order", "asc", "--out", "-");
      expect(status).toBe(0);
      const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
      expect(lines.filter((line) => "event_type" in line).map(({ event_type }) => event_type)).toEqual(["order.created", "order.cancelled"]);
      expect(err).toMatch(/2 events in standard output\nRecorded in the log as event \S+\nSHA-256 [0-9a-f]{64}\n$/);
      expect(existsSync("-") || existsSync("-.part")).toBe(false);
      for (const wrong of [["--json"], ["--format", "parquet"]]) {
        expect(await runHere(["export", "--out", "-", ...wrong], noTarget)).toMatchObject({
          status: 2,
          err: expect.stringContaining("Name a file with --out"),
        });
      }
    });

    it("overwrites nothing, and leaves nothing of an export that was refused", async () => {
      writeFileSync(at("mine.csv"), "mine");
      expect(await log.run("export", "--out", at("mine.csv"))).toMatchObject({ status: 2, err: expect.stringContaining("nothing is overwritten") });
      expect(readFileSync(at("mine.csv"), "utf8")).toBe("mine");
      const before = readdirSync(folder);
      const env = { AUDIT_API_URL: log.url, AUDIT_API_KEY: keyOf("read") };
      const refused = await runCommand(["export", "--out", at("refused.ndjson"), "--json"], env);
      expect(refused.status).toBe(2);
      expect(JSON.parse(refused.out)).toMatchObject({ status: "failed", code: "forbidden" });
      expect(await runCommand(["export", "--out", at("no.xlsx")], env)).toMatchObject({ status: 2, err: expect.stringContaining("--format") });
      expect(readdirSync(folder)).toEqual(before);
    });
  });

  describe("seal, tail and verify", () => {
    it("seals what is there; tail then hands it out in the log's order, each once, and goes on where it was", async () => {
      const sealed = await log.run("seal", "--json");
      expect(sealed.status).toBe(0);
      expect(JSON.parse(sealed.out)).toMatchObject({ status: "done", problems: 0, tree_problems: 0 });
      const first = await log.run("tail", "action:order.*", "--after", "0", "--count", "1", "--json");
      expect(first.status).toBe(0);
      const { position, event } = JSON.parse(first.out);
      expect(event).toMatchObject({ event_type: "order.created" });
      const rest = startCommand(["tail", "action:order.*", "--after", position, "--count", "2", "--json", "--local", log.local]);
      await expect.poll(rest.out, { timeout: 60_000 }).toContain("order.cancelled");
      await log.store(tenantA, [{ event_type: "order.shipped" }]);
      await log.run("seal");
      const ended = await rest.ended;
      expect(ended.status).toBe(0);
      expect(ended.out.trimEnd().split("\n").map((line) => JSON.parse(line).event.event_type)).toEqual(["order.cancelled", "order.shipped"]);
    });

    it("ends with 130 on Ctrl-C, and says where to go on", async () => {
      const run = startCommand(["tail", "action:order.*", "--after", "0", "--local", log.local]);
      await expect.poll(run.out, { timeout: 60_000 }).toContain("order.created");
      run.kill("SIGINT");
      expect(await run.ended).toMatchObject({ status: 130, err: expect.stringMatching(/^Go on from here with --after \S+\n$/) });
    });

    it("tells at once when nothing answers, instead of trying for ever", async () => {
      expect(await runCommand(["tail"], { AUDIT_API_URL: `http://127.0.0.1:${await freePort()}`, AUDIT_API_KEY: "aud_x" })).toMatchObject({
        status: 2,
        err: expect.stringContaining("nothing answers"),
      });
    });

    it("verifies the log of local.json with the key in it", async () => {
      const { status, out } = await log.run("verify", "--json");
      expect(status).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ status: "sound", independent: true });
      const named = await runCommand(["verify", "--json"], { AUDIT_DATABASE_URL: log.database.url });
      expect(JSON.parse(named.out)).toMatchObject({ status: "sound", independent: false });
      const missing = await runCommand(["verify", "--local", folder, "--json"]);
      expect(missing).toMatchObject({ status: 2, err: expect.stringContaining("Start a stack on it") });
      expect(JSON.parse(missing.out)).toMatchObject({ status: "unchecked", code: "no_local_stack" });
    });
  });

  describe("holds", () => {
    it("places, lists, shows and releases them; only admins place", async () => {
      const placed = await log.run("holds", "place", "--reason", "case 12", "--actor-id", "alice", "--json");
      expect(placed.status).toBe(0);
      const { hold } = JSON.parse(placed.out);
      expect(hold).toMatchObject({ status: "active", reason: "case 12", actor_id: "alice" });
      const table = await log.run("holds", "list");
      expect(table.out).toBe(
        `ID                                    STATUS    PLACED      REASON\n${hold.id}  active    ${hold.placed_at.slice(0, 10)}  case 12\n`,
      );
      expect((await log.run("holds", "show", hold.id)).out).toContain("actor id        alice\n");
      const env = { AUDIT_API_URL: log.url, AUDIT_API_KEY: keyOf("export") };
      expect(await runCommand(["holds", "place", "--reason", "no", "--json"], env)).toMatchObject({ status: 2, err: expect.stringContaining("admin") });
      expect(await runCommand(["holds", "list", "--json"], env)).toMatchObject({ status: 0 });
      expect(JSON.parse((await log.run("holds", "release", hold.id, "--reason", "closed", "--json")).out).hold).toMatchObject({ status: "released" });
      expect(JSON.parse((await log.run("holds", "list", "--status", "active", "--json")).out)).toEqual({ holds: [] });
      expect(await log.run("holds", "show", hold.id, "--tenant", "Second", "--json")).toMatchObject({ status: 2, out: expect.stringContaining("not_found") });
    });
  });

  it("deploys from no project that init has not been run in", async () => {
    writeFileSync(at("settings.env"), "AUDIT_LOG_ORIGIN=audit.example.com\n");
    const args = ["deploy", "--dry-run", "--env-file", at("settings.env"), "--workdir", folder];
    expect(await runCommand(args, { SUPABASE_PROJECT_REF: "abcdefghijklmnopqrst" })).toMatchObject({
      status: 2,
      out: "",
      err: expect.stringContaining("Run init there first"),
    });
  });

  it("says what of an archive's address or range is wrong, before it asks the database", async () => {
    const database = ["--database", "postgresql://postgres@127.0.0.1:9/none"];
    const refused = async (args: readonly string[], env = {}) => (await runHere(["archive", ...args, ...database], { ...noTarget, ...env })).err.split("\n")[0];
    expect(await refused(["verify"])).toBe("find archive: none is given");
    expect(await refused(["verify", "--archive", "s3://bucket"])).toBe("read --archive: it is neither file:<folder> nor supabase:<bucket>");
    const bucket = "open bucket b: its project's address or secret key is not given";
    expect(await refused(["verify", "--archive", "supabase:b"], { SUPABASE_URL: "https://x.supabase.co" })).toBe(bucket);
    expect(await refused(["verify"], { AUDIT_ARCHIVE_URL: "supabase:b", SUPABASE_SECRET_KEY: "sb_secret_x" })).toBe(bucket);
    const range = ["--from", "2026-01-02", "--to", "2026-01-01"];
    expect(await refused(["return", ...range])).toBe("read --from and --to: 2026-01-02 is after 2026-01-01");
    expect(await refused(["restore", "--tenant", tenantA, "--archive", `file:${folder}`, ...range])).toContain("is after");
    expect(await refused(["verify", "--archive", `file:${folder}`])).toContain("nothing answers there");
  });

  it("posts no event of a smoke test whose receipt it could not verify, and tells everything that lacks", async () => {
    const project = { SUPABASE_PROJECT_REF: "abcdefghijklmnopqrst", SUPABASE_DB_URL: "postgresql://postgres@127.0.0.1:9/none" };
    const { signingKey } = await makeSigningKey("audit.example.com", new Uint8Array(32).fill(7));
    const smoke = (settings: string, env: Readonly<Record<string, string>>) => {
      writeFileSync(at("smoke.env"), `AUDIT_LOG_ORIGIN=audit.example.com\nAUDIT_CURSOR_KEY=${"c".repeat(40)}\n${settings}\n`);
      return runCommand(["deploy", "smoke", "--env-file", at("smoke.env")], env);
    };
    const without = await smoke("", project);
    expect([without.status, without.out]).toEqual([2, ""]);
    expect(without.err.match(/^ {2}.*is not set/gm)).toEqual(["  find secret key: SUPABASE_SECRET_KEY is not set", "  AUDIT_SIGNING_KEY: is not set"]);
    expect(without.err.match(/AUDIT_SIGNING_KEY/g)).toHaveLength(1);
    const complete = { ...project, SUPABASE_SECRET_KEY: "sb_secret_x" };
    const typo = signingKey.replace(/\+[0-9a-f]{8}\+/, "+00000000+");
    expect(await smoke(`AUDIT_SIGNING_KEY=${typo}`, complete)).toMatchObject({ status: 2, out: "", err: expect.stringContaining("does not fit the key") });
    const good = await smoke(`AUDIT_SIGNING_KEY=${signingKey}`, complete);
    expect(good).toMatchObject({ status: 2, out: expect.stringContaining("+ post an event"), err: expect.stringContaining("nothing answers there") });
  });

  it("tells itself that the file of --env-file is not there, which Node would by an exit code of its own", async () => {
    const lines = [["npm", "run", "--silent", "audit", "--", "doctor"], ["scripts/deploy-functions.sh"]];
    for (const [file = "", ...args] of lines) {
      const run = promisify(execFile)(file, [...args, "--env-file", at("none.env")]);
      expect(await run.catch((fault: unknown) => fault)).toMatchObject({ code: 2, stderr: expect.stringContaining("none.env: there is no such file") });
    }
  });

  it("exits 2 when it is used wrongly, and points to the help", async () => {
    const noDays = ["2026-13-01", "2026-02-30", "0000-01-01"].map((day) => ["archive", "list", "--from", day]);
    for (const args of [["nothing"], ["query", "--nope"], ["export"], ["query", "--limit", "few"], ["holds", "place"], ["import"], ...noDays]) {
      expect(await runCommand(args)).toMatchObject({ status: 2, out: "", err: expect.stringContaining("--help") });
    }
    expect(await runCommand(["--help"])).toMatchObject({ status: 0, err: "", out: expect.stringContaining("Exit code 0") });
  });
});

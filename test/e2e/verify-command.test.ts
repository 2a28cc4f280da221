import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProofStore } from "../../adapters/postgres/proof-store.ts";
import { receiptOf } from "../../core/proofs.ts";
import type { AuditEvent } from "../../core/event.ts";
import { keepOutput } from "../support/kept-output.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, openLog, secondKey, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const otherTenantId = "00000000-0000-4000-8000-0000000000aa";

describe("npm run audit -- verify", () => {
  let log: TestLog;
  let events: AuditEvent[];
  const folder = mkdtempSync(join(tmpdir(), "audit-verify-command-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const verify = (...args: string[]) => {
    const ran = spawnSync(process.execPath, ["scripts/audit.ts", "verify", ...args], { cwd: root, encoding: "utf8" });
    keepOutput("verify")(ran.stderr);
    return { status: ran.status, out: ran.stdout, err: ran.stderr };
  };
  const newestNote = async () =>
    (await log.admin.query("select note from audit_log.checkpoints where tenant_id = $1 order by size desc limit 1", [tenantId])).rows[0].note;

  beforeAll(async () => {
    log = await openLog();
    events = randomEvents(randomFrom(1), 400, { tenantIds: [tenantId] });
    await log.ingest(events);
    await log.ingest(randomEvents(randomFrom(2), 30, { tenantIds: [otherTenantId] }));
    await log.seal();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.close();
  });

  it("exits 0 for a sound database, and says when its keys are its own", () => {
    const independent = verify("--database", log.database.adminUrl, "--key", firstKey.verifierKey);
    expect(independent).toMatchObject({ status: 0 });
    expect(independent.out).toMatch(/^SOUND\n430 events read, 430 sealed leaves in 2 logs, 0 not sealed yet\n/);
    expect(independent.out).not.toContain("not independent");
    expect(independent.err).toContain("430 events, ");
    const own = verify("--database", log.database.url);
    expect(own).toMatchObject({ status: 0 });
    expect(own.out).toContain("not independent");
  });

  it("reads local.json of the stack's folder, and takes its key", () => {
    file("local.json", JSON.stringify({ database_url: log.database.adminUrl, log_key: firstKey.verifierKey }));
    const ran = verify("--local", folder, "--json");
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({ status: "sound", independent: true, events: 430, finding_count: 0 });
  });

  it("checks one tenant alone", () => {
    expect(JSON.parse(verify("--database", log.database.adminUrl, "--tenant", otherTenantId, "--json").out)).toMatchObject({ status: "sound", events: 30 });
  });

  it("proves one event by its receipt, and none by another", async () => {
    const event = events[123] as AuditEvent;
    const client = await log.pool.connect();
    await client.query("begin; set local role authenticated");
    await client.query("select set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ app_metadata: { tenant_ids: [tenantId], audit_role: "auditor" } }),
    ]);
    const store = createProofStore(async (text, values) => (await client.query(text, [...values])).rows as never);
    const receipt = await receiptOf(store, sha256, { event });
    await client.query("rollback");
    client.release();
    const path = file("event.tlog-proof", receipt);
    expect(verify("--receipt", path, "--key", firstKey.verifierKey)).toMatchObject({ status: 0, out: expect.stringContaining(event.id) });
    expect(verify("--receipt", path, "--key", firstKey.verifierKey, "--event", file("event.json", JSON.stringify(event)))).toMatchObject({ status: 0 });
    expect(verify("--receipt", path, "--key", firstKey.verifierKey, "--event", file("forged.json", JSON.stringify({ ...event, message: "forged" }))))
      .toMatchObject({ status: 1 });
    expect(verify("--receipt", path, "--key", secondKey.verifierKey)).toMatchObject({ status: 1 });
    expect(verify("--receipt", path)).toMatchObject({ status: 2, err: expect.stringContaining("--key") });
  });

  it("checks an export against a checkpoint: whole, changed, and a selection of which nothing can be said", async () => {
    const checkpoint = file("old.checkpoint", await newestNote());
    const lines = events.map((event, i) => ({ ...event, leaf_hash: eventRow(event).leafHash, log_index: i }));
    const text = (of: readonly object[]) => of.map((line) => `${JSON.stringify(line)}\n`).join("");
    const args = ["--key", firstKey.verifierKey, "--checkpoint", checkpoint];
    // Exports come in the order of time, not of the log.
    expect(verify("--export", file("whole.ndjson", text(lines.toReversed())), ...args)).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^SOUND\n400 events/),
    });
    const changed = lines.with(77, { ...lines[77] as (typeof lines)[0], actor_id: "somebody else" });
    const found = verify("--export", file("changed.ndjson", text(changed)), ...args, "--json");
    expect(found.status).toBe(1);
    expect(JSON.parse(found.out).first_bad_event).toMatchObject({ kind: "event_changed", index: 77, id: events[77]?.id });
    const rehashed = lines.with(77, {
      ...changed[77] as (typeof lines)[0],
      leaf_hash: eventRow({ ...events[77] as AuditEvent, actor_id: "somebody else" }).leafHash,
    });
    expect(verify("--export", file("rehashed.ndjson", text(rehashed)), ...args)).toMatchObject({
      status: 1,
      out: expect.stringContaining("the root of 400 leaves is another"),
    });
    expect(verify("--export", file("some.ndjson", text(lines.slice(10))), ...args)).toMatchObject({
      status: 2,
      out: expect.stringContaining("390 events cannot be proven"),
    });
    expect(verify("--export", file("some.csv", "id,tenant_id\n1,2\n"), ...args)).toMatchObject({ status: 2, err: expect.stringContaining("NDJSON") });
  });

  it("exits 2 when it could not check, with the reason", () => {
    expect(verify()).toMatchObject({ status: 2, err: expect.stringContaining("Give one of") });
    expect(verify("--local", ".audit", "--database", log.database.adminUrl)).toMatchObject({ status: 2, err: expect.stringContaining("2 are named") });
    expect(verify("--database", "postgresql://nobody:x@127.0.0.1:1/none")).toMatchObject({ status: 2 });
    expect(verify("--database", log.database.adminUrl, "--key", "nonsense")).toMatchObject({ status: 2, err: expect.stringContaining("public key") });
    expect(verify("--database", log.database.adminUrl, "--checkpoint", file("no.checkpoint", "nonsense"))).toMatchObject({ status: 2 });
    expect(verify("--database", log.database.adminUrl, "--bundles", folder)).toMatchObject({
      status: 2,
      err: expect.stringMatching(/no file in it ends with \.checkpoints\nName the folder checkpoints\/ of the archive/),
    });
    expect(JSON.parse(verify("--database", "postgresql://nobody:x@127.0.0.1:1/none", "--json").out)).toMatchObject({ status: "unchecked" });
  });

  it("exits 1 for a changed event and names it, and for a log that ends before a checkpoint kept elsewhere", async () => {
    await log.admin.query("alter table audit_log.events disable trigger all");
    const { rows: [day] } = await log.admin.query("select tableoid::regclass::text as name from audit_log.events where id = $1", [events[200]?.id]);
    await log.admin.query(`alter table ${day.name} disable trigger all`);
    await log.admin.query("update audit_log.events set result = case result when 'success' then 'failure' else 'success' end where id = $1", [events[200]?.id]);
    const ran = verify("--database", log.database.adminUrl, "--key", firstKey.verifierKey);
    expect(ran).toMatchObject({ status: 1 });
    expect(ran.out).toContain(`first bad event: event_changed: tenant ${tenantId}, index 200, event ${events[200]?.id}`);
    expect(ran.out).toContain("result was changed");

    const empty = await openLog();
    mkdirSync(join(folder, "kept"), { recursive: true });
    const kept = file("kept/old.checkpoint", await newestNote());
    const rolledBack = verify("--database", empty.database.adminUrl, "--key", firstKey.verifierKey, "--checkpoint", kept);
    expect(rolledBack).toMatchObject({ status: 1, out: expect.stringContaining("rolled_back") });
    await empty.close();
  });
});

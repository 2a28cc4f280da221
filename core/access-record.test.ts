import { describe, expect, it } from "vitest";
import { sha256 } from "../test/support/sha256.ts";
import { type Access, createAccessRecorder, type Reader } from "./access-record.ts";
import type { BatchClaim, EventRow, EventStore } from "./ports.ts";

const reader = (sub: string): Reader => ({
  caller: { kind: "user", principal: `user:${sub}`, tenants: ["t"], scopes: new Set(["read"]), claims: { sub } },
  tenantId: "00000000-0000-4000-8000-000000000001",
  requestId: "r-1",
  fields: { ip_address: "192.0.2.7", user_agent: undefined },
});
const access: Access = { objectType: "audit.filter", subject: "filter-1", detail: { question: { actor: "x" } } };

function setup(now = { ms: Date.UTC(2026, 0, 1) }, fails = () => false) {
  const rows: EventRow[] = [];
  const claims = new Set<string>();
  const logged: unknown[] = [];
  const work: Promise<unknown>[] = [];
  const events: EventStore = {
    insert: (inserted) => fails() ? Promise.reject(new Error("down")) : Promise.resolve(rows.push(...inserted)).then(() => ({ existing: [], closedDays: [] })),
    insertOnce: async (claim: BatchClaim, prepare) => {
      if (fails()) throw new Error("down");
      const name = `${claim.principal} ${Buffer.from(claim.keyHash).toString("hex")}`;
      const first = !claims.has(name);
      claims.add(name);
      rows.push(...await prepare({ first, sameBody: true, receivedAt: claim.receivedAt }));
      return { existing: [], closedDays: [] };
    },
  };
  let count = 0;
  const parts = {
    events,
    now: () => new Date(now.ms),
    randomBytes: (length: number) => new Uint8Array(length).fill(++count),
    sha256,
    log: (line: unknown) => void logged.push(line),
    waitUntil: (one: Promise<unknown>) => void work.push(one),
  };
  return { recorder: createAccessRecorder(parts), other: createAccessRecorder(parts), rows, logged, settled: () => Promise.all(work), now };
}

describe("createAccessRecorder()", () => {
  it("records a view once in ten minutes per principal and subject, also with a second process", async () => {
    const { recorder, other, rows, settled, now } = setup();
    for (const one of [recorder, recorder, other]) one.viewed(reader("a"), access);
    recorder.viewed(reader("b"), access);
    recorder.viewed(reader("a"), { ...access, subject: "filter-2" });
    await settled();
    expect(rows).toHaveLength(3);
    now.ms += 10 * 60_000;
    recorder.viewed(reader("a"), access);
    await settled();
    expect(rows).toHaveLength(4);
  });

  it("writes an event of the reader's tenant, by the reader, whose leaf can be rebuilt", async () => {
    const { recorder, rows, settled } = setup();
    recorder.viewed(reader("a"), access);
    await settled();
    expect(rows[0]?.event).toMatchObject({
      event_type: "audit.events.viewed",
      principal: "user:a",
      actor_id: "a",
      object_id: "filter-1",
      ip_address: "192.0.2.7",
      request_id: "r-1",
      context: access.detail,
    });
    expect(rows[0]?.leafHash).toHaveLength(64);
    expect(rows[0]?.event.id[14]).toBe("7");
  });

  it("logs a view that could not be recorded, and tries again at the next one", async () => {
    let broken = true;
    const { recorder, rows, logged, settled } = setup(undefined, () => broken);
    recorder.viewed(reader("a"), access);
    await settled();
    expect(logged).toMatchObject([{ event: "access.not_recorded", principal: "user:a" }]);
    broken = false;
    recorder.viewed(reader("a"), access);
    await settled();
    expect(rows).toHaveLength(1);
  });

  it("throws not_recorded when a record that must be made cannot be", async () => {
    const { recorder } = setup(undefined, () => true);
    await expect(recorder.record("audit.events.exported", reader("a"), access)).rejects.toMatchObject({ code: "not_recorded" });
  });

  it("gives a record the id and time that were fixed before", async () => {
    const { recorder, rows, now } = setup();
    const key = recorder.nextKey();
    now.ms += 5_000;
    await recorder.record("audit.events.exported", reader("a"), access, "failure", key);
    expect(rows[0]?.event).toMatchObject({ id: key.id, occurred_at: key.occurredAt, result: "failure", received_at: "2026-01-01T00:00:05.000Z" });
  });
});

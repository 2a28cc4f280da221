import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leafHashOf, leafOf } from "../../core/leaf.ts";
import type { AuditEvent } from "../../core/event.ts";
import { toHex } from "../../core/format/hex.ts";
import { makeUuid7 } from "../../core/format/uuid7.ts";
import { validateEvent } from "../../core/validate.ts";
import type { Batch, Entry, Verdict } from "./delivery/state.ts";
import type { EventInput } from "./event.ts";
import { eventMaker, madeFrom } from "./make-event.ts";
import { checkReceipts } from "./receipt-check.ts";
import { platformRuntime } from "./runtime.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const tenant = "123e4567-e89b-12d3-a456-426614174000";
const server = { received_at: "2026-11-22T10:11:13.000Z", principal: "key:abcdefghijkl" };
const window = { earliestMs: 0, latestMs: Date.parse("2100-01-01T00:00:00Z") };

/** The leaf hash that the server makes of what was sent, by the server's own code. */
function serverHash(json: string, stamped: Partial<AuditEvent> = {}): string {
  const validated = validateEvent(JSON.parse(json), window);
  if (validated.errors !== undefined) throw new Error(JSON.stringify(validated.errors));
  const event = { tenant_id: tenant, ...stamped, ...defined(validated.event), ...server } as AuditEvent;
  return toHex(leafHashOf(leafOf(event, validated.contextJson), sha256));
}

function defined(event: object): object {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}

function receiptOf(json: string, answer: object, result: object, status: "created" | "duplicate" = "created"): Verdict | undefined {
  const batch = { entries: [{ ...madeFrom(json) } as unknown as Entry] } as unknown as Batch;
  return checkReceipts({ ...server, tenant_id: tenant, ...answer, results: [{ index: 0, status, ...result }] }, batch, [{ status }])[0];
}

const maker = eventMaker({}, platformRuntime);
const make = (input: EventInput) => maker(input, { tenant_id: tenant });

describe("checkReceipts()", () => {
  it("agrees with the server's own code about every event that the server accepts", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.:/-]{1,20}$/);
    const ip = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4().map((address) => `::ffff:${address}`));
    const time = fc.date({ min: new Date("1971-01-01"), max: new Date("2099-01-01"), noInvalidDate: true }).chain((date) =>
      fc.constantFrom(
        date.toISOString(),
        date.toISOString().replace("Z", "987654Z"),
        date.toISOString().replace(/\.\d+Z/, "+05:30"),
        date.toISOString().toLowerCase(),
      )
    );
    const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));
    const key = text.filter((value) => !["__proto__", "constructor", "prototype"].includes(value));
    const leaf = fc.oneof(
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true, min: -1e15, max: 1e15 }).filter((value) => value === 0 || Math.abs(value) > 1e-20),
    );
    const context = fc.dictionary(key, fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(key, leaf, { maxKeys: 3 })), { maxKeys: 5 });
    const id = fc.integer({ min: Date.parse("1971-01-01"), max: Date.parse("2099-01-01") }).map((ms) =>
      makeUuid7(ms, crypto.getRandomValues(new Uint8Array(16))).toUpperCase()
    );
    const event = fc.record({
      event_type: name,
      id,
      source: name,
      actor_type: name,
      object_type: name,
      actor_id: text,
      message: text,
      occurred_at: time,
      ip_address: ip,
      duration_ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
      producer_seq: fc.nat(),
      producer_id: text,
      result: fc.constantFrom("success", "failure", "warning"),
      context,
    }, { requiredKeys: ["event_type"] });
    fc.assert(
      fc.property(event, (input) => {
        const { json } = make(input as never);
        expect(receiptOf(json, {}, { leaf_hash: serverHash(json) })?.receipt).toBe("verified");
      }),
      { numRuns: 2000 },
    );
  });

  it("detects a hash of anything else, and says so as a fault of the event", () => {
    const { json } = make({ event_type: "a", message: "sent" });
    const other = make({ event_type: "a", message: "stored" }).json;
    expect(receiptOf(json, {}, { leaf_hash: serverHash(other) })).toMatchObject({
      status: "created",
      receipt: "mismatch",
      error: { code: "receipt_mismatch" },
    });
  });

  it("takes what the server stamped from an end user's request into account", () => {
    const { json } = make({ event_type: "a" });
    const stamped = { ip_address: "203.0.113.7", user_agent: "Mozilla" };
    expect(receiptOf(json, { request_fields: stamped }, { leaf_hash: serverHash(json, stamped) })?.receipt).toBe("verified");
    expect(receiptOf(json, {}, { leaf_hash: serverHash(json, stamped) })?.receipt).toBe("mismatch");
  });

  it("checks a duplicate with the fields of the row that stood there", () => {
    const { json } = make({ event_type: "a" });
    const hash = serverHash(json);
    expect(receiptOf(json, { received_at: "2026-11-22T11:00:00.000Z" }, { leaf_hash: hash, stored: server }, "duplicate")?.receipt).toBe("verified");
    expect(receiptOf(json, {}, { leaf_hash: hash }, "duplicate")?.receipt).toBe("unverifiable");
  });

  it("cannot verify without a tenant, and asks nothing of what was refused", () => {
    const { json } = maker({ event_type: "a" }, {});
    expect(receiptOf(json, { tenant_id: undefined }, { leaf_hash: "00" })?.receipt).toBe("unverifiable");
    const batch = { entries: [madeFrom(json)] } as unknown as Batch;
    const refused: Verdict = { status: "rejected", error: { code: "x", message: "" } };
    expect(checkReceipts({ results: [] }, batch, [refused])).toEqual([refused]);
  });
});

import { describe, expect, it } from "vitest";
import { anonOfA, keyOfA, secret, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";
import { sha256 } from "../test/support/sha256.ts";
import type { Caller } from "./caller.ts";
import type { CandidateEvent } from "./event.ts";
import { uuid7Ms } from "./format/uuid7.ts";
import { toHex } from "./format/hex.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import { stamp, type Stamps, tenantOf } from "./stamp.ts";

const event: CandidateEvent = { event_type: "t", result: "success" };
const userOfBoth: Caller = { ...userOfA, tenants: [tenantA, tenantB] };
const nobody: Caller = { ...userOfA, tenants: [] };
const requestFields = { ip_address: "203.0.113.9", user_agent: "agent", device_fingerprint: "print" };

function stampsOf(caller: Caller): Stamps {
  return {
    caller,
    receivedAt: "2026-11-22T12:00:00.000Z",
    defaultTenantId: undefined,
    requestFields,
    random: (index) => new Uint8Array(16).fill(index),
    sha256,
  };
}

describe("tenantOf()", () => {
  it.each([
    ["a key's only tenant", keyOfA, undefined, undefined, tenantA],
    ["a key's own tenant, named", keyOfA, tenantA, undefined, tenantA],
    ["any tenant for a secret key", secret, tenantB, undefined, tenantB],
    ["the default tenant of a secret key", secret, undefined, tenantB, tenantB],
    ["one of a user's tenants", userOfBoth, tenantB, undefined, tenantB],
    ["a user's default tenant among several", userOfBoth, undefined, tenantB, tenantB],
    ["a key's only tenant, whatever the default", keyOfA, undefined, tenantB, tenantA],
  ])("is %s", (_what, caller, named, fallback, tenantId) => {
    expect(tenantOf({ ...event, ...(named === undefined ? {} : { tenant_id: named }) }, caller, fallback)).toBe(tenantId);
  });

  it.each([
    ["another's tenant to a key", keyOfA, tenantB, undefined, "tenant_forbidden"],
    ["another's tenant, even the default one", keyOfA, tenantB, tenantB, "tenant_forbidden"],
    ["another's tenant to the anonymous", anonOfA, tenantB, undefined, "tenant_forbidden"],
    ["every tenant to who has none", nobody, tenantA, undefined, "tenant_forbidden"],
    ["no tenant at all, without a default", secret, undefined, undefined, "tenant_required"],
    ["several tenants without a choice", userOfBoth, undefined, undefined, "tenant_required"],
    ["a default tenant that is another's", nobody, undefined, tenantA, "tenant_required"],
  ])("refuses %s", (_what, caller, named, fallback, code) => {
    expect(tenantOf({ ...event, ...(named === undefined ? {} : { tenant_id: named }) }, caller, fallback)).toMatchObject({ code, pointer: "/tenant_id" });
  });
});

describe("stamp()", () => {
  it("makes a version-7 id of the event's time, which is the time of receipt when there is none", () => {
    const [timed, untimed] = ["2026-11-20T01:02:03.004Z", undefined].map((time) =>
      stamp({ ...event, ...(time ? { occurred_at: time } : {}) }, undefined, tenantA, 3, stampsOf(keyOfA))
    );
    if (timed === undefined || untimed === undefined || "code" in timed || "code" in untimed) throw new Error("it was refused");
    expect(uuid7Ms(timed.event.id)).toBe(Date.parse("2026-11-20T01:02:03.004Z"));
    expect(untimed.event).toMatchObject({
      occurred_at: "2026-11-22T12:00:00.000Z",
      received_at: "2026-11-22T12:00:00.000Z",
      principal: keyOfA.principal,
      tenant_id: tenantA,
    });
    expect(uuid7Ms(untimed.event.id)).toBe(Date.parse("2026-11-22T12:00:00.000Z"));
  });

  it("hashes what it returns", () => {
    const row = stamp({ ...event, context: { b: 1, a: 2 } }, '{"a":2,"b":1}', tenantA, 0, stampsOf(userOfA));
    if ("code" in row) throw new Error(row.message);
    expect(row.leafHash).toBe(toHex(leafHashOf(leafOf(row.event), sha256)));
  });

  it.each([userOfA, anonOfA])("fills the request's fields in for $kind callers, where the event has none", (caller) => {
    const row = stamp({ ...event, user_agent: "own" }, undefined, tenantA, 0, stampsOf(caller));
    expect(row).toMatchObject({ event: { ...requestFields, user_agent: "own" } });
  });

  it.each([keyOfA, secret])("never does so for $kind callers: the request is a server's", (caller) => {
    const row = stamp(event, undefined, tenantA, 0, stampsOf(caller));
    if ("code" in row) throw new Error(row.message);
    for (const name of Object.keys(requestFields)) expect(row.event[name as keyof typeof requestFields]).toBeUndefined();
  });

  it("refuses an event whose leaf does not fit", () => {
    const row = stamp(
      { ...event, message: "\u0001".repeat(8192), user_agent: "\u0001".repeat(2048), actor_id: "a".repeat(4000) },
      undefined,
      tenantA,
      0,
      stampsOf(secret),
    );
    expect(row).toMatchObject({ code: "event_too_large", pointer: "" });
  });
});

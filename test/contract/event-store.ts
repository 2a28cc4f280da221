import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Caller } from "../../core/caller.ts";
import type { AuditEvent, CandidateEvent } from "../../core/event.ts";
import { leafHashHexWithin, leafOf } from "../../core/leaf.ts";
import type { BatchClaim, EventRow, EventStore } from "../../core/ports.ts";
import { stamp } from "../../core/stamp.ts";
import { validateEvent } from "../../core/validate.ts";
import { sha256 } from "../support/sha256.ts";
import { storableEvent } from "../support/storable-event.ts";

/** A store to be tested, and a way around it to see what it did. */
export type StoreUnderTest = {
  readonly store: EventStore;
  /** Every stored event of a tenant with its hash, as read back from where it lies. */
  readonly rowsOf: (tenantId: string) => Promise<readonly { readonly event: AuditEvent; readonly leafHash: string }[]>;
  readonly closeDay: (day: string) => Promise<void>;
  /** Makes every claim so much older by the store's own clock. */
  readonly ageClaims: (ms: number) => Promise<void>;
};

const dayMs = 86_400_000;
const caller: Caller = { kind: "secret", principal: "secret:contract", tenants: "any", scopes: new Set(["ingest"]), claims: {} };
const instant = (ms: number) => new Date(ms).toISOString();

/** What every EventStore promises. `open` gives the store, which may hold other events; each test takes tenants of its own. */
export function describeEventStore(name: string, open: () => StoreUnderTest): void {
  describe(`${name} as an EventStore`, () => {
    describe("insert()", () => insertContract(open));
    describe("insert() with confirm", () => confirmContract(open));
    describe("insertOnce()", () => insertOnceContract(open));
  });
}

function rowOf(tenantId: string, fields: Partial<CandidateEvent> = {}, receivedAt = instant(Date.now())): EventRow {
  const event: CandidateEvent = { event_type: "t", result: "success", id: randomUUID(), occurred_at: receivedAt, ...fields };
  return stamped(event, undefined, tenantId, receivedAt);
}

function stamped(event: CandidateEvent, contextJson: string | undefined, tenantId: string, receivedAt: string): EventRow {
  const random = () => new Uint8Array(16);
  const row = stamp(event, contextJson, tenantId, 0, { caller, receivedAt, defaultTenantId: undefined, requestFields: {}, random, sha256 });
  if ("code" in row) throw new Error(row.message);
  return row;
}

/** The same event as another request would bring it. */
function again(row: EventRow, change: Partial<CandidateEvent> = {}): EventRow {
  const { tenant_id, received_at, principal: _principal, ...event } = row.event;
  return stamped({ ...event, ...change }, row.contextJson, tenant_id, instant(Date.parse(received_at) + 1000));
}

function insertContract(open: () => StoreUnderTest): void {
  it("stores what it is given, and reports nothing", async () => {
    const { store, rowsOf } = open();
    const tenantId = randomUUID();
    const rows = [rowOf(tenantId), rowOf(tenantId)];
    expect(await store.insert(rows)).toEqual({ existing: [], closedDays: [] });
    expect((await rowsOf(tenantId)).map(({ event }) => event.id).sort()).toEqual(rows.map(({ event }) => event.id).sort());
  });

  it("takes no rows at all", async () => {
    expect(await open().store.insert([])).toEqual({ existing: [], closedDays: [] });
  });

  it("leaves a row that is there as it is, and reports what the server had set on it", async () => {
    const { store, rowsOf } = open();
    const first = rowOf(randomUUID(), { message: "first", ip_address: "::102:304", user_agent: "agent", device_fingerprint: "print" });
    await store.insert([first]);
    const { existing } = await store.insert([again(first, { message: "second" })]);
    const { tenant_id, occurred_at, id, received_at, principal, ip_address, user_agent, device_fingerprint } = first.event;
    expect(existing).toHaveLength(1);
    expect(existing[0]).toEqual({
      ...{ tenant_id, occurred_at, id, received_at, principal, ip_address, user_agent, device_fingerprint },
      leafHash: first.leafHash,
    });
    expect(await rowsOf(tenant_id)).toMatchObject([{ event: { message: "first" } }]);
  });

  it("leaves fields out that the existing row does not have", async () => {
    const { store } = open();
    const row = rowOf(randomUUID());
    await store.insert([row]);
    const { existing } = await store.insert([again(row)]);
    expect(existing[0]).not.toHaveProperty("ip_address");
    expect(existing[0]).not.toHaveProperty("user_agent");
  });

  it("stores the new rows of a batch beside those that are there", async () => {
    const { store, rowsOf } = open();
    const tenantId = randomUUID();
    const [a, b, c, d] = [rowOf(tenantId), rowOf(tenantId), rowOf(tenantId), rowOf(tenantId)];
    await store.insert([b, d]);
    const { existing } = await store.insert([a, b, c, d]);
    expect(existing.map(({ id }) => id).sort()).toEqual([b.event.id, d.event.id].sort());
    expect(await rowsOf(tenantId)).toHaveLength(4);
  });

  it("takes the same id for another event in another tenant or at another time", async () => {
    const { store, rowsOf } = open();
    const [one, other, id] = [randomUUID(), randomUUID(), randomUUID()];
    const occurred_at = instant(Date.now());
    const rows = [rowOf(one, { id, occurred_at }), rowOf(other, { id, occurred_at }), rowOf(one, { id, occurred_at: instant(Date.parse(occurred_at) - 1) })];
    for (const row of rows) expect((await store.insert([row])).existing).toEqual([]);
    expect([(await rowsOf(one)).length, (await rowsOf(other)).length]).toEqual([2, 1]);
  });

  it("stores the rows of other days when a day is closed, and still finds what the closed day holds", async () => {
    const { store, rowsOf, closeDay } = open();
    const tenantId = randomUUID();
    // A day that no other test uses.
    const closed = instant(Date.now() - 300 * dayMs - Math.floor(Math.random() * 3000) * dayMs);
    const [held, late, today] = [rowOf(tenantId, { occurred_at: closed }), rowOf(tenantId, { occurred_at: closed }), rowOf(tenantId)];
    await store.insert([held]);
    await closeDay(closed.slice(0, 10));
    const { existing, closedDays } = await store.insert([again(held), late, today]);
    expect(closedDays).toEqual([closed.slice(0, 10)]);
    expect(existing.map(({ id }) => id)).toEqual([held.event.id]);
    expect((await rowsOf(tenantId)).map(({ event }) => event.id).sort()).toEqual([held.event.id, today.event.id].sort());
  });

  it("gives every event back such that it rebuilds its leaf byte for byte", async () => {
    const { store, rowsOf } = open();
    await fc.assert(
      fc.asyncProperty(fc.array(storableEvent, { minLength: 1, maxLength: 20 }), async (inputs) => {
        const tenantId = randomUUID();
        const receivedAt = instant(Date.now());
        const rows = inputs.map((input) => {
          const validated = validateEvent({ ...input, id: randomUUID(), occurred_at: receivedAt }, { earliestMs: -Infinity, latestMs: Infinity });
          if (validated.errors !== undefined) throw new Error(JSON.stringify(validated.errors));
          return stamped(validated.event, validated.contextJson, tenantId, receivedAt);
        });
        await store.insert(rows);
        const read = new Map((await rowsOf(tenantId)).map((row) => [row.event.id, row]));
        for (const row of rows) {
          const found = read.get(row.event.id);
          if (found === undefined) throw new Error("it is not there");
          expect(leafOf(found.event)).toBe(leafOf(row.event, row.contextJson));
          expect(leafHashHexWithin(leafOf(found.event), sha256)).toBe(found.leafHash);
        }
      }),
      { numRuns: 50 },
    );
  });
}

function confirmContract(open: () => StoreUnderTest): void {
  it("asks with what it found, and stores on yes", async () => {
    const { store, rowsOf } = open();
    const row = rowOf(randomUUID());
    const asked: unknown[] = [];
    const outcome = await store.insert([row], (found) => asked.push(found) > 0);
    expect(asked).toEqual([outcome]);
    expect(await rowsOf(row.event.tenant_id)).toHaveLength(1);
  });

  it("takes every row back on no, and reports all the same", async () => {
    const { store, rowsOf } = open();
    const tenantId = randomUUID();
    const [held, fresh] = [rowOf(tenantId), rowOf(tenantId)];
    await store.insert([held]);
    const outcome = await store.insert([fresh, again(held)], ({ existing }) => existing.length === 0);
    expect(outcome.existing.map(({ id }) => id)).toEqual([held.event.id]);
    expect((await rowsOf(tenantId)).map(({ event }) => event.id)).toEqual([held.event.id]);
    expect(await store.insert([fresh])).toEqual({ existing: [], closedDays: [] });
  });
}

function insertOnceContract(open: () => StoreUnderTest): void {
  const claimOf = (change: Partial<BatchClaim> = {}): BatchClaim => ({
    principal: "secret:contract",
    keyHash: sha256(new TextEncoder().encode(randomUUID())),
    bodyHash: new Uint8Array(32).fill(1),
    receivedAt: instant(Date.now()),
    ...change,
  });
  /** Claims and stores nothing; what the claim was. */
  async function claimed(store: EventStore, claim: BatchClaim) {
    let seen: unknown;
    await store.insertOnce(claim, (outcome) => {
      seen = outcome;
      return Promise.resolve([]);
    });
    return seen;
  }

  it("stores the rows of the first request, and tells the next one when that was", async () => {
    const { store, rowsOf } = open();
    const [claim, row] = [claimOf(), rowOf(randomUUID())];
    expect(await store.insertOnce(claim, ({ first }) => Promise.resolve(first ? [row] : []))).toEqual({ existing: [], closedDays: [] });
    expect(await claimed(store, { ...claim, receivedAt: instant(Date.now() + 5000) })).toEqual({ first: false, sameBody: true, receivedAt: claim.receivedAt });
    expect(await rowsOf(row.event.tenant_id)).toHaveLength(1);
  });

  it("tells that the body is another one, and keeps the first claim", async () => {
    const { store } = open();
    const claim = claimOf();
    await claimed(store, claim);
    expect(await claimed(store, { ...claim, bodyHash: new Uint8Array(32).fill(2) })).toEqual({ first: false, sameBody: false, receivedAt: claim.receivedAt });
    expect(await claimed(store, claim)).toMatchObject({ first: false, sameBody: true });
  });

  it("keeps keys of two principals apart", async () => {
    const { store } = open();
    const claim = claimOf();
    await claimed(store, claim);
    expect(await claimed(store, { ...claim, principal: "user:another" })).toMatchObject({ first: true });
  });

  it("forgets a claim after 24 hours by its own clock, and not before", async () => {
    const { store, ageClaims } = open();
    const claim = claimOf();
    await claimed(store, claim);
    await ageClaims(dayMs - 60_000);
    expect(await claimed(store, { ...claim, receivedAt: instant(Date.now()) })).toMatchObject({ first: false });
    await ageClaims(61_000);
    const later = { ...claim, receivedAt: instant(Date.now()), bodyHash: new Uint8Array(32).fill(9) };
    expect(await claimed(store, later)).toEqual({ first: true, sameBody: true, receivedAt: later.receivedAt });
  });

  it("holds a claim whose receivedAt is of a clock that was a day slow", async () => {
    const { store } = open();
    const claim = claimOf({ receivedAt: instant(Date.now() - dayMs - 1000) });
    await claimed(store, claim);
    expect(await claimed(store, { ...claim, receivedAt: instant(Date.now()) })).toEqual({ first: false, sameBody: true, receivedAt: claim.receivedAt });
  });

  it("undoes the claim when the rows cannot be prepared", async () => {
    const { store } = open();
    const claim = claimOf();
    await expect(store.insertOnce(claim, () => Promise.reject(new Error("not these")))).rejects.toThrow("not these");
    expect(await claimed(store, claim)).toMatchObject({ first: true });
  });

  it("takes the rows back on no, and keeps the claim", async () => {
    const { store, rowsOf } = open();
    const [claim, row] = [claimOf(), rowOf(randomUUID())];
    await store.insertOnce(claim, () => Promise.resolve([row]), () => false);
    expect(await rowsOf(row.event.tenant_id)).toEqual([]);
    expect(await claimed(store, claim)).toMatchObject({ first: false, sameBody: true, receivedAt: claim.receivedAt });
  });

  it("lets one of many at once be the first, and the others see its rows", async () => {
    const { store, rowsOf } = open();
    const [claim, row] = [claimOf(), rowOf(randomUUID())];
    const firsts: boolean[] = [];
    const attempt = () =>
      store.insertOnce(claim, ({ first }) => {
        firsts.push(first);
        return Promise.resolve([row]);
      });
    const outcomes = await Promise.all([attempt(), attempt(), attempt(), attempt()]);
    expect(firsts.filter((first) => first)).toHaveLength(1);
    expect(outcomes.map(({ existing }) => existing.length).sort()).toEqual([0, 1, 1, 1]);
    expect(await rowsOf(row.event.tenant_id)).toHaveLength(1);
  });
}

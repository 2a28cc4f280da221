import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anonOfA, ingestFixture, keyOfA, type Result, secret, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";

const id = "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d";
const event = { event_type: "order.created", actor_id: "ann", context: { b: 1, a: [2] } };
const known = { ...event, id, occurred_at: "2026-11-22T11:00:00Z" };
const dayMs = 86_400_000;

/** Everything an answer says but what each request has of its own. */
const lasting = ({ timing: _timing, request_id: _requestId, ...body }: Record<string, unknown>) => body;
const statuses = ({ results }: { readonly results: readonly Result[] }) => results.map(({ status }) => status);

describe("a batch sent twice", () => {
  it("is told as duplicates, with what was set the first time, and stored once", async () => {
    const fixture = ingestFixture();
    const first = await fixture.post({ events: [known] });
    fixture.nowMs += 5000;
    const { response, body } = await fixture.post({ events: [{ ...known, occurred_at: "2026-11-22T12:00:00.000+01:00", context: { a: [2], b: 1 } }] });
    expect(response.status).toBe(200);
    expect(body).toMatchObject({ created_count: 0, duplicate_count: 1 });
    expect(body.results[0]).toEqual({
      index: 0,
      id,
      occurred_at: "2026-11-22T11:00:00.000Z",
      status: "duplicate",
      leaf_hash: first.body.results[0]?.leaf_hash,
      stored: { received_at: "2026-11-22T12:00:00.000Z", principal: keyOfA.principal },
    });
    expect(fixture.store.rows()).toHaveLength(1);
  });

  it("is stored once over midnight, also when the id alone carries the time", async () => {
    const fixture = ingestFixture();
    fixture.nowMs = Date.parse("2026-11-22T23:59:59.999Z");
    const hex = fixture.nowMs.toString(16).padStart(12, "0");
    const identified = { ...event, id: `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8def-0123456789ab` };
    await fixture.post(identified);
    fixture.nowMs += 10;
    expect(statuses((await fixture.post(identified)).body)).toEqual(["duplicate"]);
    expect(fixture.store.rows()).toHaveLength(1);
  });

  it("without any identity is another event", async () => {
    const fixture = ingestFixture();
    await fixture.post(event);
    expect(statuses((await fixture.post(event)).body)).toEqual(["created"]);
    expect(fixture.store.rows()).toHaveLength(2);
  });

  it.each([
    ["another actor", { actor_id: "bob" }],
    ["another context", { context: { b: 1, a: [3] } }],
    ["one field less", { context: null }],
    ["one field more", { message: "" }],
    ["an address of its own", { ip_address: "203.0.113.9" }],
  ])("with %s is a conflict, and nothing is overwritten", async (_what, change) => {
    const fixture = ingestFixture();
    await fixture.post(known);
    const { response, body } = await fixture.post({ events: [{ ...known, ...change }, { ...event }] });
    expect(response.status).toBe(207);
    expect(body.results[0]).toEqual({
      index: 0,
      id,
      occurred_at: "2026-11-22T11:00:00.000Z",
      status: "conflict",
      error: { code: "conflict", pointer: "/id", message: expect.any(String) },
    });
    expect(fixture.store.rows()[0]?.event).toMatchObject(event);
    expect((await fixture.post({ ...known, ...change })).response.status).toBe(422);
  });

  it("without the address that a server sent the first time is a conflict: no request had filled it in", async () => {
    const fixture = ingestFixture();
    await fixture.post({ ...known, ip_address: "203.0.113.9" });
    expect(statuses((await fixture.post(known)).body)).toEqual(["conflict"]);
  });

  it("keeps tenants apart: the same id is free in another one", async () => {
    const fixture = ingestFixture();
    fixture.caller = secret;
    await fixture.post({ ...known, tenant_id: tenantA });
    expect(statuses((await fixture.post({ ...known, tenant_id: tenantB, actor_id: "bob" })).body)).toEqual(["created"]);
  });

  it("from another address or device is the same event still", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    await fixture.post(known, { "x-forwarded-for": "203.0.113.9", "user-agent": "one" });
    const { body } = await fixture.post(known, { "x-forwarded-for": "198.51.100.7", "user-agent": "two", "accept-language": "de" });
    expect(body.results[0]).toMatchObject({ status: "duplicate", stored: { ip_address: "203.0.113.9", user_agent: "one" } });
    expect(body).not.toHaveProperty("request_fields");
    expect(statuses((await fixture.post({ ...known, ip_address: "198.51.100.7" })).body)).toEqual(["conflict"]);
  });

  it("may be relayed by a server after a browser sent it, and the other way round", async () => {
    for (const [one, other] of [[userOfA, keyOfA], [keyOfA, userOfA]] as const) {
      const fixture = ingestFixture();
      fixture.caller = one;
      await fixture.post(known, { "x-forwarded-for": "203.0.113.9" });
      fixture.caller = other;
      expect(statuses((await fixture.post(known, { "x-forwarded-for": "198.51.100.7" })).body)).toEqual(["duplicate"]);
    }
  });

  it("tells an end user nothing of another one's event, however right the guess", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    await fixture.post(known, { "x-forwarded-for": "203.0.113.9" });
    for (const [caller, seesIt] of [[{ ...userOfA, principal: "user:bob" }, false], [anonOfA, false], [userOfA, true], [keyOfA, true]] as const) {
      fixture.caller = caller;
      const { body } = await fixture.post(known);
      expect(statuses(body)).toEqual(["duplicate"]);
      expect(JSON.stringify(body).includes("203.0.113.9")).toBe(seesIt);
      expect(JSON.stringify(body).includes("user:ann")).toBe(seesIt);
    }
    fixture.caller = anonOfA;
    const anonymous = { ...known, id: "8b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d" };
    await fixture.post(anonymous);
    expect((await fixture.post(anonymous)).body.results[0]).not.toHaveProperty("stored");
  });
});

describe("one batch that holds an event twice", () => {
  it("stores it once and tells the second one as a duplicate of the first", async () => {
    const fixture = ingestFixture();
    const { response, body } = await fixture.post({ events: [known, event, known] });
    expect(response.status).toBe(201);
    expect(statuses(body)).toEqual(["created", "created", "duplicate"]);
    expect(body.results[2]).toMatchObject({ leaf_hash: body.results[0]?.leaf_hash, stored: { received_at: "2026-11-22T12:00:00.000Z" } });
    expect(fixture.store.rows()).toHaveLength(2);
  });

  it("tells another content as a conflict, and keeps the first", async () => {
    const fixture = ingestFixture();
    const { body } = await fixture.post({ events: [known, { ...known, actor_id: "bob" }, known] });
    expect(statuses(body)).toEqual(["created", "conflict", "duplicate"]);
    expect(fixture.store.rows()[0]?.event.actor_id).toBe("ann");
  });

  it("compares each with what is stored, not with one that was not", async () => {
    const fixture = ingestFixture();
    await fixture.post(known);
    expect(statuses((await fixture.post({ events: [{ ...known, actor_id: "bob" }, known, known] })).body)).toEqual(["conflict", "duplicate", "duplicate"]);
  });
});

describe("Idempotency-Key", () => {
  const key = { "idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324" };
  const mixed = { events: [event, known, known, { ...known, actor_id: "bob" }, { actor_id: "x" }, { ...event, occurred_at: "2026-11-15T12:00:00Z" }] };

  it("gives the same answer to a replay, ids, times and verdicts, up to 24 hours later", async () => {
    const fixture = ingestFixture();
    const first = await fixture.post(mixed, key);
    expect(statuses(first.body)).toEqual(["created", "created", "duplicate", "conflict", "rejected", "created"]);
    for (const laterMs of [1, 5 * 3_600_000, dayMs - 5 * 3_600_000 - 1]) {
      fixture.nowMs += laterMs;
      const again = await fixture.post(mixed, key);
      expect(again.response.status).toBe(first.response.status);
      expect(lasting(again.body)).toEqual(lasting(first.body));
    }
    expect(fixture.store.rows()).toHaveLength(3);
  });

  it("gives an end user the same answer from another device", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    const first = await fixture.post(event, { ...key, "x-forwarded-for": "203.0.113.9", "user-agent": "one" });
    const again = await fixture.post(event, { ...key, "x-forwarded-for": "198.51.100.7", "user-agent": "two" });
    expect(first.body["request_fields"]).toMatchObject({ ip_address: "203.0.113.9" });
    expect(lasting(again.body)).toEqual(lasting(first.body));
  });

  it("tells as duplicate again what was there before the batch", async () => {
    const fixture = ingestFixture();
    await fixture.post(known);
    fixture.nowMs += 1000;
    const first = await fixture.post({ events: [known, event] }, key);
    fixture.nowMs += 1000;
    const again = await fixture.post({ events: [known, event] }, key);
    expect(statuses(again.body)).toEqual(["duplicate", "created"]);
    expect(lasting(again.body)).toEqual(lasting(first.body));
  });

  it("refuses another body, also one that differs in white space only, and stores nothing of it", async () => {
    const fixture = ingestFixture();
    await fixture.post({ events: [event] }, key);
    for (const other of [{ events: [{ ...event, actor_id: "bob" }] }, JSON.stringify({ events: [event] }, null, 1)]) {
      expect((await fixture.post(other, key)).body).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    }
    expect(fixture.store.rows()).toHaveLength(1);
  });

  it("belongs to one caller: another's batch under the same key is its own", async () => {
    const fixture = ingestFixture();
    const first = await fixture.post(event, key);
    // A name of the same length: only the name tells the two apart.
    fixture.caller = { ...userOfA, principal: keyOfA.principal.replace("key:", "usr:") };
    const other = await fixture.post(event, key);
    expect(statuses(other.body)).toEqual(["created"]);
    expect(other.body.results[0]?.id).not.toBe(first.body.results[0]?.id);
  });

  it("is free again after 24 hours, and an event that has its time is not stored twice even then", async () => {
    const fixture = ingestFixture();
    const timed = { ...event, occurred_at: "2026-11-22T11:00:00Z" };
    const expire = () => {
      fixture.nowMs += dayMs + 1;
      fixture.store.ageClaims(dayMs + 1);
    };
    const first = await fixture.post(timed, key);
    expire();
    const again = await fixture.post(timed, key);
    expect(again.body.results[0]).toMatchObject({ status: "duplicate", id: first.body.results[0]?.id });
    expire();
    const changed = await fixture.post({ ...timed, actor_id: "bob" }, key);
    expect(statuses(changed.body)).toEqual(["created"]);
    expect(changed.body.results[0]?.id).not.toBe(first.body.results[0]?.id);
    expect(fixture.store.rows()).toHaveLength(2);
  });

  it("makes another id for each event that has none", async () => {
    const { body } = await ingestFixture().post({ events: [event, event, event] }, key);
    expect(statuses(body)).toEqual(["created", "created", "created"]);
  });

  it("keeps nothing of a request that the store could not take", async () => {
    const fixture = ingestFixture();
    fixture.store.failNext(new Error("away"));
    expect((await fixture.post(event, key)).response.status).toBe(500);
    fixture.nowMs += 1000;
    expect((await fixture.post(event, key)).body).toMatchObject({ created_count: 1, received_at: "2026-11-22T12:00:01.000Z" });
  });

  it("makes one event of many requests at once", async () => {
    const fixture = ingestFixture();
    const answers = await Promise.all(Array.from({ length: 8 }, () => fixture.post(event, key)));
    expect(new Set(answers.map(({ body }) => JSON.stringify(lasting(body)))).size).toBe(1);
    expect(fixture.store.rows()).toHaveLength(1);
  });
});

describe("Prefer: handling=strict", () => {
  const strict = { prefer: "handling=strict" };

  it("stores a batch that is sound, and says that it was strict", async () => {
    const fixture = ingestFixture();
    await fixture.post(known);
    const { response, body } = await fixture.post({ events: [known, event] }, strict);
    expect([response.status, response.headers.get("preference-applied")]).toEqual([201, "handling=strict"]);
    expect(statuses(body)).toEqual(["duplicate", "created"]);
  });

  it.each([
    ["is not valid", { events: [event, {}, known] }, [undefined, "required", undefined]],
    ["conflicts with a stored one", { events: [event, { ...known, actor_id: "bob" }] }, [undefined, "conflict"]],
    ["conflicts with one before it", { events: [{ ...known, id: tenantB }, { ...known, id: tenantB, actor_id: "bob" }] }, [undefined, "conflict"]],
    ["lies on a closed day", { events: [event, { ...event, occurred_at: "2026-11-20T00:00:00Z" }] }, [undefined, "day_closed"]],
  ])("stores nothing when one event %s", async (_what, batch, codes) => {
    const fixture = ingestFixture();
    await fixture.post(known);
    fixture.store.closeDay("2026-11-20");
    for (const headers of [strict, { ...strict, "idempotency-key": "k" }, { ...strict, "idempotency-key": "k" }]) {
      const { response, body } = await fixture.post(batch, headers);
      expect(response.status).toBe(422);
      expect(body).toMatchObject({ created_count: 0, duplicate_count: 0, rejected_count: batch.events.length });
      expect(body.results.map(({ error }) => error?.code)).toEqual(codes.map((code) => code ?? "batch_rejected"));
    }
    expect(fixture.store.rows()).toHaveLength(1);
    expect((await fixture.post({ events: [event] }, { "idempotency-key": "k" })).body).toMatchObject({ code: "idempotency_key_reused" });
  });
});

describe("a strict batch with an event that is not valid", () => {
  it("is refused without a word to the store", async () => {
    const fixture = ingestFixture();
    fixture.store.failNext(new Error("it was asked"));
    expect((await fixture.post({ events: [event, {}] }, { prefer: "handling=strict" })).response.status).toBe(422);
  });
});

describe("a day that takes no more events", () => {
  it("refuses new events, knows those it holds, and costs other days nothing", async () => {
    const fixture = ingestFixture();
    const old = { ...known, occurred_at: "2026-11-20T10:00:00Z" };
    await fixture.post(old);
    fixture.store.closeDay("2026-11-20");
    const { response, body } = await fixture.post({ events: [old, { ...old, id: tenantB }, event] });
    expect(response.status).toBe(207);
    expect(body.results).toMatchObject([{ status: "duplicate" }, { status: "rejected", error: { code: "day_closed", pointer: "/occurred_at" } }, {
      status: "created",
    }]);
  });
});

describe("any sequence of batches, sent again and again", () => {
  it("stores every distinct sound event once, and counts what it stores", async () => {
    const ids = fc.constantFrom(id, "8b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d");
    const timed = fc.record({
      event_type: fc.constantFrom("a", "b", "not valid!"),
      id: ids,
      occurred_at: fc.constantFrom("2026-11-22T11:00:00Z", "2026-11-21T11:00:00Z"),
    });
    const batch = fc.record({
      events: fc.array(timed, { minLength: 1, maxLength: 5 }),
      headers: fc.constantFrom({}, { prefer: "handling=strict" }, { "idempotency-key": "1" }, { "idempotency-key": "2" }),
      caller: fc.constantFrom(keyOfA, userOfA, secret),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 12 }), async (batches) => {
        const fixture = ingestFixture({ settings: { defaultTenantId: tenantA } });
        // The model: the first sound content under an identity stays.
        const model = new Map<string, string>();
        const isSound = ({ event_type }: { event_type: string }) => event_type.length === 1;
        let created = 0;
        const keyed = new Set<string>();
        for (const { events, headers, caller } of batches) {
          fixture.nowMs += 1;
          fixture.caller = caller;
          const { body } = await fixture.post({ events }, headers);
          if (body["code"] === "idempotency_key_reused") continue;
          const key = "idempotency-key" in headers ? `${caller.principal} ${headers["idempotency-key"]}` : undefined;
          const isReplay = key !== undefined && keyed.has(key);
          if (key !== undefined) keyed.add(key);
          const draft = new Map(model);
          const expected = events.map((one) => {
            if (!isSound(one)) return "rejected";
            const at = `${one.id} ${one.occurred_at}`;
            if (!draft.has(at)) return draft.set(at, one.event_type) && "created";
            return draft.get(at) === one.event_type ? "duplicate" : "conflict";
          });
          const isTakenBack = "prefer" in headers && expected.some((status) => status === "rejected" || status === "conflict");
          if (isTakenBack) expect(statuses(body).every((status) => status === "conflict" || status === "rejected")).toBe(true);
          else if (!isReplay) expect(statuses(body)).toEqual(expected);
          if (isTakenBack || isReplay) continue;
          created += Number(body["created_count"]);
          for (const [at, type] of draft) model.set(at, type);
        }
        expect(new Map(fixture.store.rows().map(({ event: one }) => [`${one.id} ${one.occurred_at.replace(".000", "")}`, one.event_type]))).toEqual(model);
        expect(created).toBe(model.size);
      }),
      { numRuns: 200 },
    );
  });
});

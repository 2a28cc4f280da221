import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ingestFixture, keyOfA, type Result, secret, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";

const id = "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d";
const event = { event_type: "order.created", actor_id: "ann", context: { b: 1, a: [2] } };
const known = { ...event, id, occurred_at: "2026-11-22T11:00:00Z" };
const dayMs = 86_400_000;

/** Everything an answer says but what each request has of its own. */
const lasting = ({ timing: _timing, request_id: _requestId, ...body }: Record<string, unknown>) => body;
const statuses = ({ results }: { readonly results: readonly Result[] }) => results.map(({ status }) => status);

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

  it("does not say of an event that an earlier request stored that it is not stored", async () => {
    const fixture = ingestFixture();
    const batch = { events: [event, {}] };
    await fixture.post(batch, { "idempotency-key": "k" });
    expect(fixture.store.rows()).toHaveLength(1);
    const { body } = await fixture.post(batch, { ...strict, "idempotency-key": "k" });
    expect(body.results[0]?.error).toMatchObject({ code: "batch_rejected", message: expect.stringMatching(/^this request stored nothing /) });
  });
});

describe("a strict batch with an event that is not valid", () => {
  it("is refused without a word to the store", async () => {
    const fixture = ingestFixture();
    fixture.store.failNext(new Error("it was asked"));
    expect((await fixture.post({ events: [event, {}] }, { prefer: "handling=strict" })).response.status).toBe(422);
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

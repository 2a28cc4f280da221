import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect } from "vitest";
import { readStoredRows } from "../support/history-rows.ts";
import { makeId } from "../support/load-client.ts";
import { randomOf } from "../support/payloads-seed.ts";
import type { Door, EventResult } from "./door.ts";

/** An event as the model knows it: where it belongs, and its content as one comparable text. */
type ModelEvent = { readonly id: string; readonly occurred_at: string; readonly event_type: string; readonly message: string };

/** What the store must hold, and the answers that replays must repeat. */
type Model = {
  readonly stored: Map<string, ModelEvent>;
  /** Batches sent so far, newest last. */
  readonly sent: (readonly ModelEvent[])[];
  readonly keys: Map<string, { readonly body: string; readonly results: readonly EventResult[]; readonly status: number }>;
  /** Events whose id the server makes: they are counted, not compared. */
  anonymous: number;
};

type Real = { readonly door: Door; readonly tenantId: string; readonly random: () => number; readonly midnightMs: number };

type Command = fc.AsyncCommand<Model, Real>;

function emptyModel(): Model {
  return { stored: new Map(), sent: [], keys: new Map(), anonymous: 0 };
}

const keyOf = (event: ModelEvent) => `${event.occurred_at} ${event.id}`;

/** What the door must answer to `batch` now, event by event; and the store afterwards. */
function predict(model: Model, batch: readonly ModelEvent[], strict: boolean): { readonly statuses: string[]; readonly after: Map<string, ModelEvent> } {
  const after = new Map(model.stored);
  const statuses = batch.map((event) => {
    const before = after.get(keyOf(event));
    if (before === undefined) {
      after.set(keyOf(event), event);
      return "created";
    }
    return isDeepStrictEqual(before, event) ? "duplicate" : "conflict";
  });
  if (!strict || !statuses.includes("conflict")) return { statuses, after };
  return { statuses: statuses.map((status) => status === "conflict" ? status : "rejected"), after: model.stored };
}

function statusFor(statuses: readonly string[]): number {
  const refused = statuses.filter((status) => status === "conflict" || status === "rejected").length;
  if (refused === statuses.length) return 422;
  return refused > 0 ? 207 : statuses.includes("created") ? 201 : 200;
}

/** Posts a batch, holds the answer to the prediction and moves the model on. */
async function sendAndCompare(model: Model, real: Real, batch: readonly ModelEvent[], strict = false): Promise<void> {
  const { statuses, after } = predict(model, batch, strict);
  const body = JSON.stringify({ events: batch.map((event) => ({ ...event, tenant_id: real.tenantId })) });
  const answer = await real.door.post(body, strict ? { prefer: "handling=strict" } : {});
  const results = answer.body.results ?? [];
  expect(results.map((result) => result.status), answer.text.slice(0, 500)).toEqual(statuses);
  expect(answer.status).toBe(statusFor(statuses));
  for (const [index, result] of results.entries()) {
    if (result.status !== "rejected") expect([result.id, result.occurred_at]).toEqual([batch[index]?.id, batch[index]?.occurred_at]);
  }
  for (const [key, event] of after) model.stored.set(key, event);
  model.sent.push(batch);
}

function makeEvent(real: Real, atMs: number, message: string): ModelEvent {
  return { id: makeId(atMs, real.random), occurred_at: new Date(atMs).toISOString(), event_type: "model.sent", message };
}

function command(name: string, check: (model: Model) => boolean, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: (model) => check({ ...model }), run: (model, real) => run(model, real), toString: () => name };
}

const always = () => true;
const hasSent = (model: Model) => model.sent.length > 0;
const lastOf = (model: Model, back: number) => model.sent[Math.max(0, model.sent.length - 1 - back)] ?? [];

/** New events, some at the last millisecond of a day and the first of the next. */
function send(count: number, nearMidnight: boolean): Command {
  return command(`send(${count}, ${nearMidnight ? "midnight" : "any time"})`, always, async (model, real) => {
    const times = Array.from({ length: count }, (_, n) => real.midnightMs + (nearMidnight ? n % 3 - 1 : -Math.floor(real.random() * 3_600_000)));
    await sendAndCompare(model, real, times.map((atMs, n) => makeEvent(real, atMs, `m${n}`)));
  });
}

/** A batch again: as it was, backwards, twice in one request, or together with new events. */
function retry(back: number, how: "same" | "backwards" | "twice" | "with new"): Command {
  return command(`retry(${back}, ${how})`, hasSent, async (model, real) => {
    const batch = lastOf(model, back);
    const fresh = makeEvent(real, real.midnightMs - 5, "fresh");
    const changed = { same: batch, backwards: batch.toReversed(), twice: [...batch, ...batch], "with new": [fresh, ...batch, fresh] };
    await sendAndCompare(model, real, changed[how]);
  });
}

/** The ids of a batch with other content, strictly or not: conflicts, and nothing overwritten. */
function alter(back: number, strict: boolean): Command {
  return command(`alter(${back}${strict ? ", strict" : ""})`, hasSent, async (model, real) => {
    const altered = lastOf(model, back).map((event, index) => index % 2 === 0 ? { ...event, message: `${event.message}!` } : event);
    await sendAndCompare(model, real, [...altered, makeEvent(real, real.midnightMs - 7, "beside a conflict")], strict);
  });
}

/** The ids of a batch a millisecond later: other events, even on another day. */
function shift(back: number): Command {
  return command(`shift(${back})`, hasSent, async (model, real) => {
    const later = lastOf(model, back).map((event) => ({ ...event, occurred_at: new Date(Date.parse(event.occurred_at) + 1).toISOString() }));
    await sendAndCompare(model, real, later);
  });
}

/** Two requests with the same events at once, one of them backwards: one creates, the other finds duplicates, and neither waits for ever. */
function race(count: number): Command {
  return command(`race(${count})`, always, async (model, real) => {
    const batch = Array.from({ length: count }, (_, n) => makeEvent(real, real.midnightMs - 1 + n % 2, `r${n}`));
    const bodies = [batch, batch.toReversed()].map((events) => JSON.stringify({ events: events.map((event) => ({ ...event, tenant_id: real.tenantId })) }));
    const answers = await Promise.all(bodies.map((body) => real.door.post(body)));
    const created = answers.flatMap((answer) => answer.body.results ?? []).filter((result) => result.status === "created");
    const duplicate = answers.flatMap((answer) => answer.body.results ?? []).filter((result) => result.status === "duplicate");
    expect(
      answers.map((answer) => answer.status).every((status) => status === 200 || status === 201),
      answers.map((answer) => answer.text.slice(0, 200)).join("\n"),
    ).toBe(true);
    expect(created.map((result) => result.id).sort()).toEqual(batch.map((event) => event.id).sort());
    expect(duplicate).toHaveLength(count);
    for (const event of batch) model.stored.set(keyOf(event), event);
    model.sent.push(batch);
  });
}

/** An Idempotency-Key: first use, the same again, and another body under it. Half of its events have no id of their own. */
function keyed(name: string, count: number, changes: boolean): Command {
  return command(`keyed(${name}, ${count}${changes ? ", other body" : ""})`, always, async (model, real) => {
    const known = model.keys.get(name);
    const body = changes || known === undefined ? keyedBody(real, name, count) : known.body;
    const answer = await real.door.post(body, { "idempotency-key": `${real.tenantId} ${name}` });
    if (known !== undefined && known.body !== body) {
      expect([answer.status, answer.body.code], answer.text.slice(0, 300)).toEqual([422, "idempotency_key_reused"]);
      return;
    }
    const results = answer.body.results ?? [];
    if (known !== undefined) {
      expect([answer.status, results], "a replay's answer").toEqual([known.status, known.results]);
      return;
    }
    expect(results.every((result) => result.status === "created"), answer.text.slice(0, 300)).toBe(true);
    model.keys.set(name, { body, results, status: answer.status });
    model.anonymous += results.length;
  });
}

function keyedBody(real: Real, name: string, count: number): string {
  const events = Array.from({ length: count }, (_, n) => ({ tenant_id: real.tenantId, event_type: "model.keyed", message: `${name} ${n} ${real.random()}` }));
  return JSON.stringify({ events });
}

/** The commands of one run, at most `commandsMax`. */
function modelCommands(commandsMax: number): fc.Arbitrary<Iterable<Command>> {
  const back = fc.nat(3);
  return fc.commands([
    fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean()).map(([count, nearMidnight]) => send(count, nearMidnight)),
    fc.tuple(back, fc.constantFrom("same", "backwards", "twice", "with new")).map(([at, how]) => retry(at, how as "same")),
    fc.tuple(back, fc.boolean()).map(([at, strict]) => alter(at, strict)),
    back.map(shift),
    fc.integer({ min: 1, max: 4 }).map(race),
    fc.tuple(fc.constantFrom("k1", "k2"), fc.integer({ min: 1, max: 3 }), fc.boolean()).map(([name, count, changes]) => keyed(name, count, changes)),
  ], { maxCommands: commandsMax, size: "max" });
}

/** Runs of at most `commandsMax` commands, each in a tenant of its own whose rows must be the model's in the end; how many batches were sent. Throws at the first divergence. */
export async function modelRuns(door: Door, seed: number, runs: number, commandsMax = 12): Promise<number> {
  let [run, batches] = [0, 0];
  const property = fc.asyncProperty(modelCommands(commandsMax), async (sequence) => {
    const model = emptyModel();
    const midnightMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
    const real = { door, tenantId: randomUUID(), random: randomOf(seed + run++), midnightMs };
    await fc.asyncModelRun(() => ({ model, real }), sequence);
    await compareRows(door, model, real.tenantId);
    batches += model.sent.length + model.keys.size;
  });
  await fc.assert(property, { seed, numRuns: runs });
  expect(run).toBe(runs);
  return batches;
}

/** Exactly the model's events are in the tenant, with the content that came first. */
async function compareRows(door: Door, model: Model, tenantId: string): Promise<void> {
  const rows = await readStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`);
  const keyed = rows.filter((row) => row["event_type"] === "model.keyed");
  const sent = rows.filter((row) => row["event_type"] === "model.sent").map((row) => `${row["id"]} ${Date.parse(`${row["occurred_at"]}`)} ${row["message"]}`);
  const expected = [...model.stored.values()].map((event) => `${event.id} ${Date.parse(event.occurred_at)} ${event.message}`);
  expect(sent.sort()).toEqual(expected.sort());
  expect(keyed).toHaveLength(model.anonymous);
}

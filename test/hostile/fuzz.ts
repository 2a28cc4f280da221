import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect } from "vitest";
import { canonical, recomputeLeafHash, type StoredRow } from "../support/history-leaf.ts";
import { countStoredRows, readStoredRows } from "../support/history-rows.ts";
import { batchCases, bodyOf, canary, type EventCase, type PayloadScope, validCase } from "../support/payloads.ts";
import { mutatedBodies } from "../support/payloads-bytes.ts";
import { parseJson } from "../../verify/json.ts";
import { type Answer, type Door, tenantA, tenantB } from "./door.ts";
import { inParallel } from "./in-parallel.ts";

/** What a run of payloads came to. */
export type FuzzReport = {
  readonly events: number;
  readonly bodies: number;
  readonly accepted: number;
  readonly statuses: ReadonlyMap<number, number>;
  /** By id, what valid events must be stored as. */
  readonly contents: ReadonlyMap<string, string>;
};

const rightStatuses = new Set([200, 201, 207, 400, 413, 415, 422]);

/**
 * Sends `eventCount` generated events in batches and `bodyCount` broken bodies, and holds every promise about each: no 5xx, a verdict per event as
 * the format's page says, no value of the caller's in a fault's message, and every row's leaf hash the one that a second implementation computes.
 */
export async function fuzz(door: Door, seed: number, eventCount: number, bodyCount: number): Promise<FuzzReport> {
  const scope: PayloadScope = { nowMs: Date.now(), tenantIds: [tenantA, tenantB] };
  const statuses = new Map<number, number>();
  const contents = new Map<string, string>();
  const ids = new Set<string>();
  const count = (answer: Answer) => statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  let [events, accepted] = [0, 0];
  for (let round = 0; events < eventCount; round++) {
    // fast-check repeats values on purpose, also ids: two events of one id would be a conflict, and not what their cases expect.
    const isNew = ({ id }: EventCase) => id === undefined || (!ids.has(id) && ids.add(id).size > 0);
    const batches = fc.sample(batchCases(scope, 60), { seed: seed + round, numRuns: 20 }).map((cases) => cases.filter(isNew)).filter((cases) =>
      cases.length > 0
    );
    await inParallel(batches, 4, async (cases) => {
      const answer = await door.post(bodyOf(cases));
      count(answer);
      if (answer.status >= 500) throw new Error(`${answer.text}\n${faultsOf(door)}\n${bodyOf(cases)}`);
      accepted += judgeBatch(cases, answer);
      for (const [index, { fields }] of cases.entries()) if (fields !== undefined) contents.set(answer.body.results?.[index]?.id ?? "", contentOf(fields));
    });
    events += batches.reduce((sum, batch) => sum + batch.length, 0);
  }
  // Of another seed: a broken copy of an event that was sent would be the same id with other content.
  const valid = fc.sample(fc.array(validCase(scope), { minLength: 1, maxLength: 4 }), { seed: seed + 1_000_003, numRuns: 50 }).map(bodyOf);
  for (let sent = 0; sent < bodyCount; sent += 200) {
    const bodies = fc.sample(mutatedBodies(valid), { seed: seed + sent, numRuns: Math.min(200, bodyCount - sent) });
    await inParallel(bodies, 4, async (body) => {
      const answer = await door.post(body);
      count(answer);
      judgeBody(answer);
      accepted += answer.body.created_count ?? 0;
    });
  }
  await judgeLog(() => door.function.stderr(), [...statuses.values()].reduce((sum, answers) => sum + answers, 0));
  return { events, bodies: bodyCount, accepted, statuses, contents };
}

/** What the function logged of faults: an answer of 5xx says nothing of its cause, on purpose. */
function faultsOf(door: Door): string {
  return door.function.stderr().split("\n").filter((line) => line.includes('"database.fault"') || line.includes('"status":5')).slice(-4).join("\n");
}

/** Throws unless every case of the batch got the verdict it must get; returns how many events were created. */
function judgeBatch(cases: readonly EventCase[], answer: Answer): number {
  const shown = () => `${answer.status} ${answer.text.slice(0, 400)}`;
  expect([200, 201, 207, 422], shown()).toContain(answer.status);
  const results = answer.body.results ?? [];
  expect(results.length, shown()).toBe(cases.length);
  for (const [index, eventCase] of cases.entries()) {
    const result = results[index];
    const about = `${eventCase.why}: ${JSON.stringify(result)} for ${eventCase.text.slice(0, 600)}`;
    if (eventCase.expect === "stored") expect(["created", "duplicate"], about).toContain(result?.status);
    if (eventCase.expect === "rejected") expect(result?.status, about).toBe("rejected");
    if (eventCase.id !== undefined && result?.status === "created") expect(result.id, about).toBe(eventCase.id);
    if (result?.status === "rejected" || result?.status === "conflict") {
      expect(result.error, about).toMatchObject({ code: expect.any(String), pointer: expect.any(String), message: expect.any(String) });
    } else expect(result?.leaf_hash, about).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(answer.text, "the answer repeats nothing but ids and times").not.toContain(canary);
  const tally = (status: string) => results.filter((result) => result.status === status).length;
  expect([answer.body.created_count, answer.body.duplicate_count], shown()).toEqual([tally("created"), tally("duplicate")]);
  expect(answer.body.rejected_count).toBe(tally("rejected") + tally("conflict"));
  return tally("created");
}

function judgeBody(answer: Answer): void {
  expect(rightStatuses, `${answer.status} ${answer.text.slice(0, 300)}`).toContain(answer.status);
  if (answer.status >= 400) expect(answer.body, answer.text.slice(0, 300)).toMatchObject({ code: expect.any(String), request_id: expect.any(String) });
}

/** One line of JSON for each request, and in none of them a word of a caller's. */
async function judgeLog(read: () => string, requests: number): Promise<void> {
  // A line may still be in the pipe when the answer it tells of is there; it is whole once its end is.
  const whole = () => read().split("\n").slice(0, -1).filter((line) => line.startsWith("{"));
  await expect.poll(() => whole().length).toBeGreaterThanOrEqual(requests);
  const printed = read();
  const events = whole().map((line) => JSON.parse(line).event);
  expect(events.filter((event) => event === "ingest").length).toBeGreaterThanOrEqual(requests);
  expect(new Set(events)).toEqual(new Set(["ingest"]));
  expect(printed).not.toContain(canary);
  expect(printed).not.toContain("\x1b[31m");
}

/** Every row has the leaf hash that the second implementation computes from it, and what was sent where `contents` knows it; returns how many rows there are. */
export async function judgeRows(adminUrl: string, contents: ReadonlyMap<string, string> = new Map()): Promise<number> {
  const total = await countStoredRows(adminUrl);
  let [judged, compared] = [0, 0];
  for (let day = -8; day <= 2; day++) {
    const midnight = "date_trunc('day', now() at time zone 'utc') at time zone 'utc'";
    const rows = await readStoredRows(
      adminUrl,
      `occurred_at >= ${midnight} + interval '${day} days' and occurred_at < ${midnight} + interval '${day + 1} days'`,
    );
    for (const row of rows) {
      if (recomputeLeafHash(row) !== (row["leaf_hash"] ?? "").slice(2)) expect.fail(`another leaf hash: ${JSON.stringify(row)}`);
      const sent = contents.get(row["id"] ?? "");
      if (sent !== undefined) compared++;
      if (sent !== undefined && sent !== storedContentOf(row)) expect.fail(`not what was sent: ${JSON.stringify(row)}`);
    }
    judged += rows.length;
  }
  expect([judged, compared]).toEqual([total, contents.size]);
  return total;
}

const names = ["event_type", "source", "actor_type", "object_type"];
const texts = ["actor_id", "object_id", "message", "user_agent", "device_fingerprint", "request_id", "producer_id"];

/** A digest of what must be stored of a valid event's fields. Addresses and times are left to the tests of their spellings. */
function contentOf(fields: Readonly<Record<string, unknown>>): string {
  const { context, duration_ms: duration, producer_seq: counter, result } = fields;
  const parts = [
    ...names.map((name) => (fields[name] as string | undefined)?.toLowerCase()),
    ...texts.map((name) => fields[name] as string | undefined),
    result ?? "success",
    duration === undefined ? undefined : String(Math.round(duration as number) + 0),
    counter === undefined ? undefined : String(counter),
    context === undefined ? undefined : canonical(context),
  ];
  return digest(parts);
}

function storedContentOf(row: StoredRow): string {
  const { context, duration_ms: duration, producer_seq: counter, result } = row;
  return digest([
    ...[...names, ...texts].map((name) => row[name]),
    result,
    duration,
    counter,
    typeof context === "string" ? canonical(parseJson(context)) : undefined,
  ]);
}

function digest(parts: readonly unknown[]): string {
  return createHash("sha256").update(parts.map((part) => part ?? "\0").join("\0\0")).digest("base64");
}

import { batchOf, splitBatch } from "./batch.ts";
import { admittedAt, type Door, doorFailed, doorWorked } from "./door.ts";
import { recordLatency } from "./latency.ts";
import { backoffMs, retryActionFor } from "./retry-table.ts";
import type { Answer, Batch, DeliveryState, Entry, Settlement, Verdict } from "./state.ts";

type Failure = Extract<Answer, { kind: "failed" }>;

/** Attempts after which a batch that a working server cannot digest (status 500) is split, to find the event at fault. */
const splitAfterAttempts = 5;

/** The answer to batch `id` arrived: what is decided by it. Entries without a verdict wait for another try. */
export function answered(state: DeliveryState, id: number, answer: Answer, now: number, random: () => number): Settlement[] {
  const batch = state.inFlight.get(id);
  const door = state.doors.find((one) => one.name === batch?.door);
  if (batch === undefined || door === undefined) return [];
  state.inFlight.delete(id);
  if (batch.keepalive && state.keepaliveBudget !== undefined) {
    state.keepaliveBudget += batch.bytes;
  }
  if (answer.kind === "verdicts") {
    doorWorked(door);
    return batch.entries.map((entry, index) => settled(state, entry, answer.verdicts[index] as Verdict, door, now));
  }
  state.lastError = {
    door: door.name,
    status: answer.status,
    code: answer.code,
    message: answer.message,
  };
  return failed(state, batch, door, answer, now, random);
}

/** Counts `verdict` and takes `entry` out of what is queued. */
function settled(state: DeliveryState, entry: Entry, verdict: Verdict, door: Door | undefined, now: number): Settlement {
  forget(state, entry);
  if (verdict.status === "created" || verdict.status === "duplicate") {
    state.counts[verdict.status]++;
  } else state.counts.rejected++;
  recordLatency(state.latency, now - entry.loggedAt);
  return { entry, verdict, door: door?.name };
}

/** The entry's memory is free again. */
export function forget(state: DeliveryState, entry: Entry): void {
  if (entry.bulk) state.bulk--;
  else {
    state.bounded--;
    state.boundedBytes -= entry.bytes;
  }
}

function failed(state: DeliveryState, batch: Batch, door: Door, answer: Failure, now: number, random: () => number): Settlement[] {
  const action = retryActionFor(answer.status);
  if (action === "split") {
    doorWorked(door);
    return split(state, batch, door, answer, now);
  }
  const pause = answer.retryAfterMs ?? 0;
  // Everyone was told the same time: full jitter on top keeps them from returning together.
  const spread = pause > 0 ? Math.max(pause / 2, 1000) * random() : 0;
  doorFailed(door, now, random(), state.settings, action === "reroute");
  if (pause > 0 || action === "pause" || action === "refresh") {
    const wait = pause > 0 ? pause + spread : backoffMs(action === "refresh" ? 20 : batch.attempts + 2, random(), state.settings);
    for (const one of action === "retry" || action === "reroute" ? [door] : state.doors) one.pausedUntil = Math.max(one.pausedUntil, now + wait);
  }
  const refused = action === "refresh" ? batch.entries.filter((entry) => entry.awaited) : [];
  const verdict: Verdict = {
    status: "rejected",
    refused: true,
    error: { code: answer.code, message: answer.message },
  };
  const settlements = refused.map((entry) => settled(state, entry, verdict, door, now));
  again(state, refused.length === 0 ? batch : remainder(state, batch), door, action === "retry" || action === "reroute", now, random());
  if (answer.status === 500) splitStubborn(state, batch);
  return settlements;
}

/** Puts a batch back: at once to the other door when that one lets it in, else after a wait. */
function again(state: DeliveryState, batch: Batch, failedDoor: Door, mayFallBack: boolean, now: number, random: number): void {
  if (batch.entries.length === 0) return;
  const tried = [...new Set([...batch.tried, failedDoor.name])];
  const other = mayFallBack && state.doors.some((one) => !tried.includes(one.name) && admittedAt(one) <= now);
  // Should the other door shut meanwhile, this one is tried again when it would have been without it.
  batch.againAt = now + backoffMs(batch.attempts, random, state.settings);
  if (!other || batch.tried.includes(failedDoor.name)) batch.attempts++;
  batch.notBefore = other ? now : batch.againAt;
  batch.tried = other ? tried : [];
  batch.door = undefined;
  batch.keepalive = false;
  state.waiting.push(batch);
}

function remainder(state: DeliveryState, batch: Batch): Batch {
  const kept = batch.entries.filter((entry) => !entry.awaited);
  return { ...batchOf(state, kept, batch.prefer), attempts: batch.attempts, tried: batch.tried };
}

/** The request was refused for what is in it: halves go on separately; one event alone is the one at fault. */
function split(state: DeliveryState, batch: Batch, door: Door, answer: Failure, now: number): Settlement[] {
  const [only, second] = batch.entries;
  if (only !== undefined && second === undefined) {
    return [
      settled(
        state,
        only,
        {
          status: "rejected",
          error: { code: answer.code, message: answer.message },
        },
        door,
        now,
      ),
    ];
  }
  state.waiting.unshift(...splitBatch(state, { ...batch, notBefore: now }, Math.ceil(batch.entries.length / 2)));
  return [];
}

function splitStubborn(state: DeliveryState, batch: Batch): void {
  const index = state.waiting.indexOf(batch);
  if (index < 0 || batch.attempts < splitAfterAttempts || batch.entries.length < 2) return;
  state.waiting.splice(index, 1, ...splitBatch(state, { ...batch, attempts: 1 }, Math.ceil(batch.entries.length / 2)));
}

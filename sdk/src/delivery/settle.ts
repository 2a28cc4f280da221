import { admittedAt, type Door, doorFailed, doorWorked } from "./door.ts";
import { batchOf, cut, forget } from "./queue.ts";
import { backoffMs, retryActionFor } from "./retry-table.ts";
import type { Answer, Batch, DeliveryState, Entry, Verdict } from "./state.ts";

export type Settlement = readonly [entry: Entry, verdict: Verdict];

/** Attempts after which a batch that a working server cannot digest (status 500), or answers in riddles, is split, to find the event at fault. */
const splitAfterAttempts = 5;

const latenciesMax = 1024;

/** The answer to `batch` arrived: what is decided by it. Entries without a verdict wait for another try. */
export function answered(state: DeliveryState, batch: Batch, answer: Answer, now: number, random: () => number): Settlement[] {
  const door = batch.door as Door;
  const { entries } = batch;
  state.inFlight.delete(batch);
  if (!("code" in answer)) {
    doorWorked(door);
    return entries.map((entry, index) => settled(state, entry, answer[index] as Verdict, now));
  }
  const { status, code, message, retryAfterMs: asked = 0 } = answer;
  const action = retryActionFor(status);
  const verdict: Verdict = { status: "rejected", error: { code, message } };
  state.lastError = { ...answer, door: door.name };
  if (action === "split") doorWorked(door);
  else doorFailed(door, now, random(), state, action === "reroute");
  // The request was refused for what is in it: halves go on separately; one event alone is the one at fault.
  if (entries.length > 1 && (action === "split" || ((status === 500 || code === "unreadable") && batch.attempts >= splitAfterAttempts))) {
    state.waiting.unshift(...cut({ ...batch, attempts: 1, notBefore: now }, Math.ceil(entries.length / 2)));
    return [];
  }
  if (action === "split") return entries.map((entry) => settled(state, entry, verdict, now));
  const mayFallBack = action === "retry" || action === "reroute";
  if (asked || !mayFallBack) {
    // Everyone was told the same time: jitter on top keeps them from returning together.
    const wait = asked ? asked + Math.max(asked / 2, 1000) * random() : backoffMs(action === "refresh" ? 20 : batch.attempts + 2, random(), state);
    for (const one of mayFallBack ? [door] : state.doors) one.pausedUntil = Math.max(one.pausedUntil, now + wait);
  }
  // Who waits is told that the credential does not do, unless an earlier try may have stored the event; what nobody waits for can wait itself.
  const isRefused = ({ done }: Entry) => done && action === "refresh" && !batch.againAt;
  again(state, batchOf(entries.filter((entry) => !isRefused(entry)), batch), door, mayFallBack, now, random());
  return entries.filter(isRefused).map((entry) => settled(state, entry, verdict, now));
}

/** Counts `verdict` and takes `entry` out of what is queued. */
function settled(state: DeliveryState, entry: Entry, verdict: Verdict, now: number): Settlement {
  const { counts, latencies } = state;
  const { status } = verdict;
  forget(state, entry);
  if (latencies.push(now - entry.loggedAt) > latenciesMax) latencies.shift();
  counts[status in counts ? status as "created" : "rejected"]++;
  return [entry, verdict];
}

/** Puts a batch back: at once to the other door when that one lets it in, else after a wait. */
function again(state: DeliveryState, batch: Batch, failed: Door, mayFallBack: boolean, now: number, random: number): void {
  if (!batch.entries[0]) return;
  const tried = [...batch.tried, failed];
  const isOther = mayFallBack && state.doors.some((one) => !tried.includes(one) && admittedAt(one) <= now);
  // Should the other door shut meanwhile, this one is tried again when it would have been without it.
  batch.againAt = now + backoffMs(batch.attempts, random, state);
  if (!isOther || batch.tried.includes(failed)) batch.attempts++;
  batch.notBefore = isOther ? now : batch.againAt;
  batch.tried = isOther ? tried : [];
  state.waiting.push(batch);
}

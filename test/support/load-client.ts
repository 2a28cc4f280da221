import type { History, Intent, Outcome } from "./history.ts";
import { randomOf } from "./payloads-seed.ts";

export type LoadOptions = {
  /** Where to post. An attempt goes to the URL after the one of the attempt before: a retry is made elsewhere. */
  readonly urls: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly tenantIds: readonly string[];
  readonly clients: number;
  readonly batchSize: number;
  /** Over all clients; a client never has more than one batch in flight, and does not catch up on what an outage cost it. */
  readonly eventsPerSecond: number;
  readonly requestTimeoutMs: number;
  /** A batch that has no verdict after so long is given up: its events stay unknown. */
  readonly giveUpAfterMs: number;
  readonly retryDelayMs: number;
  readonly seed: number;
  readonly history: History;
  readonly nowMs?: () => number;
  /** Leaves ids and times to the door and sends an Idempotency-Key with each batch: the other way to be stored once. */
  readonly keyed?: boolean;
};

/** One answered or failed request. `atMs` is when it ended. */
export type RequestRecord = { readonly atMs: number; readonly durationMs: number; readonly status: number | "none" };

export type Load = {
  readonly requests: readonly RequestRecord[];
  /** Answers that a client may never get, whatever fails behind the door: anything but 2xx, 429 and 503. */
  readonly unexpected: readonly string[];
  readonly counts: { acknowledged: number; givenUp: number };
  /** Sends no new batch, and resolves when every open one has its verdict or was given up. */
  stop(): Promise<void>;
};

/** Starts clients that post batches with fixed ids, and post a batch again, unchanged, until every event has a verdict. */
export function startLoad(options: LoadOptions): Load {
  const state: State = {
    options,
    requests: [],
    unexpected: [],
    counts: { acknowledged: 0, givenUp: 0 },
    stopped: Promise.withResolvers<void>(),
    stopping: false,
  };
  const running = Array.from({ length: options.clients }, (_, client) => runClient(state, client));
  return {
    requests: state.requests,
    unexpected: state.unexpected,
    counts: state.counts,
    async stop() {
      state.stopping = true;
      state.stopped.resolve();
      await Promise.all(running);
    },
  };
}

type State = {
  readonly options: LoadOptions;
  readonly requests: RequestRecord[];
  readonly unexpected: string[];
  readonly counts: { acknowledged: number; givenUp: number };
  readonly stopped: PromiseWithResolvers<void>;
  stopping: boolean;
};

async function runClient(state: State, client: number): Promise<void> {
  const { clients, batchSize, eventsPerSecond, seed } = state.options;
  const random = randomOf(seed + client);
  const intervalMs = (1000 * batchSize * clients) / eventsPerSecond;
  let dueMs = performance.now() + random() * intervalMs;
  for (let batch = 0; !state.stopping; batch++) {
    await Promise.race([state.stopped.promise, sleep(dueMs - performance.now())]);
    if (state.stopping) return;
    dueMs = Math.max(dueMs + intervalMs, performance.now());
    const name = `s${seed}-c${client}-b${batch}`;
    await sendUntilVerdict(state, client, name, makeBatch(state.options, name, random));
  }
}

/** Events in the form in which they are stored, so that the checker can compare every field with its row. */
function makeBatch(options: LoadOptions, name: string, random: () => number): readonly Intent[] {
  const nowMs = (options.nowMs ?? Date.now)();
  return Array.from({ length: options.batchSize }, (_, index) => {
    const marker = `${name}-e${index}`;
    const tenantId = options.tenantIds[Math.floor(random() * options.tenantIds.length)] ?? "";
    // Now and then an old one, so that partitions are made while everything else goes on.
    const occurredAtMs = nowMs - Math.floor(random() * (random() < 0.02 ? 6 * 86_400_000 : 60_000));
    const identity = options.keyed === true ? {} : { id: makeId(occurredAtMs, random), occurred_at: new Date(occurredAtMs).toISOString() };
    const fields = {
      tenant_id: tenantId,
      ...identity,
      event_type: "load.sent",
      source: "load-client",
      actor_id: `actor-${Math.floor(random() * 1000)}`,
      object_type: "marker",
      object_id: marker,
      result: "success",
      context: { batch: name, n: index, text: "über – 😀" },
    };
    return { marker, tenantId, fields };
  });
}

/** RFC 9562 version 7, from the seed, so that a run's ids repeat. */
export function makeId(ms: number, random: () => number): string {
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(3)}-${"89ab"[Math.floor(random() * 4)]}${digits(3)}-${digits(12)}`;
}

async function sendUntilVerdict(state: State, client: number, name: string, batch: readonly Intent[]): Promise<void> {
  const { options } = state;
  const headers = { "content-type": "application/json", ...options.headers, ...options.keyed === true ? { "idempotency-key": name } : {} };
  const body = JSON.stringify({ events: batch.map((intent) => intent.fields) });
  const deadlineMs = performance.now() + options.giveUpAfterMs;
  for (let attempt = 0;; attempt++) {
    const url = options.urls[(client + attempt) % options.urls.length] ?? "";
    if (await send(state, `client ${client}`, { url, headers, body }, batch)) return;
    if (performance.now() > deadlineMs) {
      state.counts.givenUp += batch.length;
      return;
    }
    await sleep(options.retryDelayMs);
  }
}

type Post = { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** One attempt; true when it brought a verdict on every event. */
async function send(state: State, client: string, { url, headers, body }: Post, batch: readonly Intent[]): Promise<boolean> {
  const { options } = state;
  const attempt = options.history.begin(client, batch);
  const startMs = performance.now();
  const done = (status: number | "none") => state.requests.push({ atMs: performance.now(), durationMs: performance.now() - startMs, status });
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(options.requestTimeoutMs) });
    text = await answer.text();
  } catch (error) {
    done("none");
    attempt.abandon(error instanceof Error ? error.message : String(error));
    return false;
  }
  done(answer.status);
  const verdicts = readVerdicts(answer.status, text, batch);
  if (typeof verdicts === "string") {
    if (answer.status !== 503 && answer.status !== 429) state.unexpected.push(`${answer.status}: ${verdicts}`);
    attempt.abandon(`${answer.status}`);
    return false;
  }
  for (const [marker, outcome] of verdicts) attempt.settle(marker, outcome);
  state.counts.acknowledged += [...verdicts.values()].filter((outcome) => outcome.type === "ok").length;
  return true;
}

type Result = { readonly index: number; readonly id: string; readonly status: string; readonly leaf_hash?: string; readonly error?: { readonly code: string } };

/** The verdict on each event of an answer; or, where there are none or not one for each, what was answered. */
export function readVerdicts(status: number, text: string, batch: readonly Intent[]): ReadonlyMap<string, Outcome> | string {
  let results: readonly Result[];
  try {
    results = JSON.parse(text).results;
  } catch {
    return `no JSON: ${text.slice(0, 200)}`;
  }
  if (![200, 201, 207, 422].includes(status) || !Array.isArray(results)) return text.slice(0, 300);
  if (results.length !== batch.length) return `${results.length} results for ${batch.length} events`;
  const verdicts = new Map<string, Outcome>();
  for (const [index, result] of results.entries()) {
    const intent = batch[index];
    if (intent === undefined || result.index !== index) return `result ${index} is about event ${result.index}`;
    const sentId = intent.fields["id"];
    if (sentId !== undefined && result.status !== "rejected" && result.id !== sentId) return `result ${index} answers with another id`;
    verdicts.set(intent.marker, outcomeOf(result));
  }
  return verdicts;
}

function outcomeOf(result: Result): Outcome {
  if (result.status !== "created" && result.status !== "duplicate") return { type: "fail", code: result.error?.code ?? result.status };
  return { type: "ok", status: result.status, ...(result.leaf_hash === undefined ? {} : { leafHash: result.leaf_hash }) };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(ms, 0)));
}

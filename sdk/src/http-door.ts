import { readVerdicts } from "./answer.ts";
import { hiddenBatchBytes } from "./delivery/queue.ts";
import { retryAfterMs } from "./delivery/retry-table.ts";
import type { Door } from "./delivery/door.ts";
import type { Answer, Batch, Verdict } from "./delivery/state.ts";
import { described } from "./errors.ts";
import type { Runtime } from "./runtime.ts";

/** Who the client is to the server: a key that does not change, or a function that knows the current token. */
export type Credential = {
  readonly apiKey?: string | undefined;
  readonly getToken?: ((options: { readonly refresh: boolean }) => string | Promise<string>) | undefined;
};

/** Tells what the hashes in an answer are worth; the verdicts come back with `receipt` set. */
export type ReceiptCheck = (body: unknown, batch: Batch, verdicts: readonly Verdict[]) => readonly Verdict[];

/** How batches are sent: what of an engine concerns this. */
export type Sending = {
  readonly runtime: Runtime;
  readonly options: Credential;
  readonly requestTimeoutMs: number;
  readonly retryAfterCapMs: number;
  readonly hidden: boolean;
  /** Requests under way, to end them early. */
  readonly requests: Set<AbortController>;
  readonly checkReceipts?: Promise<ReceiptCheck>;
};

/**
 * Headers that carry the credential. Supabase's opaque keys go into `apikey`, where its gateway looks for them; everything else is a bearer.
 * A function that cannot say a token rejects.
 */
export async function credentialHeaders({ apiKey, getToken }: Credential, refresh: boolean): Promise<Record<string, string>> {
  const isOpaque = apiKey?.startsWith("sb_");
  const bearer = getToken ? await getToken({ refresh }) : isOpaque ? undefined : apiKey;
  return { ...bearer && { authorization: `Bearer ${bearer}` }, ...isOpaque && { apikey: apiKey as string } };
}

/** Sends `batch` once (twice when a token turned out to be stale) and says what came back. Never rejects: no answer is an answer too. */
export async function transmit(batch: Batch, sending: Sending): Promise<Answer> {
  const { runtime, requestTimeoutMs, requests } = sending;
  // One of its own, and no AbortSignal.any: on some versions of Node that holds on to every request for as long as the client lives.
  const control = new AbortController();
  let timer: unknown;
  // Apart from the signal, which whoever is asked for a token does not hear.
  const silence = new Promise<never>((_, reject) => {
    const giveUp = () => {
      reject(new Error(`no answer within ${requestTimeoutMs} ms`));
      control.abort();
    };
    timer = runtime.setTimer(giveUp, requestTimeoutMs, false);
  });
  requests.add(control);
  try {
    return await Promise.race([silence, post(batch, sending, control.signal)]);
  } catch (error) {
    // Node says "fetch failed" and keeps the reason in `cause`.
    return { status: "network", code: "network", message: described(Object(error).cause ?? error).message };
  } finally {
    runtime.clearTimer(timer);
    requests.delete(control);
  }
}

async function post(batch: Batch, sending: Sending, signal: AbortSignal, refresh = false): Promise<Answer> {
  const { entries, door } = batch;
  const { runtime, options, hidden, retryAfterCapMs } = sending;
  const check = await sending.checkReceipts;
  const body = `{"events":[${entries.map(({ json }) => json)}]}`;
  // When nobody waits for a verdict, the server need not write those that say "created".
  const isMinimal = !check && !entries.some(({ done }) => done);
  const headers = { ...await credentialHeaders(options, refresh), "content-type": "application/json", ...isMinimal && { prefer: "return=minimal" } };
  // A redirect would drop the body or carry the credential elsewhere: it is an answer like others.
  const request: RequestInit = { method: "POST", headers, body, signal, redirect: "manual", keepalive: hidden && body.length <= hiddenBatchBytes };
  const response = await runtime.fetch((door as Door).url, request);
  const { ok, status } = response;
  // A proxy's page, or an answer cut short, has no verdicts.
  const parsed: Record<string, unknown> = Object(await response.json().catch(() => {}));
  if (status === 401 && options.getToken && !refresh) return post(batch, sending, signal, true);
  const verdicts = ok || status === 422 ? readVerdicts(parsed, entries, isMinimal) : undefined;
  if (verdicts) return check ? check(parsed, batch, verdicts) : verdicts;
  const retryAfter = retryAfterMs(response.headers.get("retry-after"), runtime.now(), retryAfterCapMs);
  const { code = ok ? "unreadable" : `http_${status}`, detail = `answered ${status}` } = parsed;
  // A browser hides the status of a redirect it was told not to follow.
  return { status: ok ? "network" : status || 302, retryAfterMs: retryAfter, code: String(code), message: String(detail) };
}

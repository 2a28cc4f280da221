import { readVerdicts } from "./answer.ts";
import type { Answer, Batch, Verdict } from "./delivery/state.ts";
import { retryAfterMs } from "./delivery/retry-table.ts";
import type { Runtime } from "./runtime.ts";

/** Who the client is to the server: a key that does not change, or a function that knows the current token. */
export type Credential = {
  readonly apiKey?: string | undefined;
  readonly getToken?:
    | ((options: { readonly refresh: boolean }) => string | Promise<string>)
    | undefined;
};

/** Tells what the hashes in an answer are worth; the verdicts come back with `receipt` set. */
export type ReceiptCheck = (body: unknown, batch: Batch, verdicts: readonly Verdict[]) => Promise<readonly Verdict[]>;

export type Transmission = {
  readonly url: string;
  readonly credential: Credential;
  readonly timeoutMs: number;
  readonly retryAfterCapMs: number;
  readonly checkReceipts: ReceiptCheck | undefined;
  /** Ends the request early. */
  readonly signal: AbortSignal;
};

/**
 * Headers that carry the credential. Supabase's opaque keys go into `apikey`, where its gateway looks for them; everything else is a bearer.
 * A function that cannot say a token rejects.
 */
export async function credentialHeaders({ apiKey, getToken }: Credential, refresh = false): Promise<Record<string, string>> {
  const token = getToken === undefined ? undefined : await getToken({ refresh });
  const opaque = apiKey?.startsWith("sb_");
  const bearer = token ?? (opaque ? undefined : apiKey);
  return {
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(opaque && apiKey !== undefined ? { apikey: apiKey } : {}),
  };
}

/** Sends `batch` once (twice when a token turned out to be stale) and says what came back. Never rejects: no answer is an answer too. */
export async function transmit(batch: Batch, how: Transmission, runtime: Runtime): Promise<Answer> {
  const control = new AbortController();
  const timer = runtime.setTimer(() => control.abort(new Error(`no answer within ${how.timeoutMs} ms`)), how.timeoutMs, false);
  const stop = () => control.abort(how.signal.reason);
  how.signal.addEventListener("abort", stop);
  try {
    const first = await post(batch, how, runtime, control.signal, false);
    const stale = first.kind === "failed" && first.status === 401 && how.credential.getToken !== undefined;
    return stale ? await post(batch, how, runtime, control.signal, true) : first;
  } catch (error) {
    return {
      kind: "failed",
      status: "network",
      code: "network",
      message: reasonOf(control.signal.aborted ? control.signal.reason : error),
    };
  } finally {
    runtime.clearTimer(timer);
    how.signal.removeEventListener("abort", stop);
  }
}

async function post(batch: Batch, how: Transmission, runtime: Runtime, signal: AbortSignal, refresh: boolean): Promise<Answer> {
  // When nobody waits for a verdict, the server need not write those that say "created".
  const minimal = how.checkReceipts === undefined && !batch.entries.some((entry) => entry.awaited);
  const headers = { ...await credentialHeaders(how.credential, refresh), "content-type": "application/json", ...(minimal ? { prefer: "return=minimal" } : {}) };
  const body = `{"events":[${batch.entries.map((entry) => entry.json).join(",")}]}`;
  // A redirect would drop the body or carry the credential elsewhere: it is an answer like others.
  const init: RequestInit = {
    method: "POST",
    headers,
    body,
    signal,
    redirect: "manual",
    ...(batch.keepalive ? { keepalive: true } : {}),
  };
  const response = await runtime.fetch(how.url, init);
  const text = await response.text();
  const parsed = parse(text);
  const verdicts = response.ok || response.status === 422 ? readVerdicts(parsed, batch.entries, minimal) : undefined;
  if (verdicts !== undefined) {
    return {
      kind: "verdicts",
      verdicts: await how.checkReceipts?.(parsed, batch, verdicts) ?? verdicts,
    };
  }
  const problem = (typeof parsed === "object" && parsed !== null ? parsed : {}) as Record<
    string,
    unknown
  >;
  const code = typeof problem["code"] === "string" ? problem["code"] : response.ok ? "unreadable_answer" : `http_${response.status}`;
  const message = typeof problem["detail"] === "string" ? problem["detail"] : `answered ${response.status}`;
  const wait = retryAfterMs(response.headers.get("retry-after"), runtime.now(), how.retryAfterCapMs);
  // A browser hides the status of a redirect it was told not to follow.
  const status = response.ok ? "network" : response.status === 0 ? 302 : response.status;
  return { kind: "failed", status, retryAfterMs: wait, code, message };
}

/** Node says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

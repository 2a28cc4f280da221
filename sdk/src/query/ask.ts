import { backoffMs, retryActionFor, retryAfterMs } from "../delivery/retry-table.ts";
import { type Credential, credentialHeaders } from "../http-door.ts";
import type { Runtime } from "../runtime.ts";
import { apiErrorOf, AuditApiError } from "./api-error.ts";

/** A connection to the API. */
export type Api = {
  readonly root: string;
  readonly credential: Credential;
  readonly runtime: Runtime;
  readonly tenantId: string | undefined;
  /** Time until the head of an answer; bodies may take longer. */
  readonly timeoutMs: number;
  /** How often a question is asked again that failed for no fault of its own. */
  readonly retries: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
};

export type Parameters = Readonly<Record<string, string | number | boolean | Date | undefined>>;

export type AskOptions = { readonly signal?: AbortSignal | undefined; readonly headers?: Readonly<Record<string, string>> };

/**
 * What `read` makes of the API's answer to a GET, 2xx; rejects with AuditApiError. Reading is repeated after faults that may pass, `Retry-After` obeyed: a
 * body that breaks off, or is none of the API's, is an answer that did not come.
 */
export async function ask<T = Response>(
  api: Api,
  path: string,
  parameters: Parameters,
  options: AskOptions,
  read: (response: Response) => T | Promise<T> = (response) => response as T,
): Promise<T> {
  const url = `${api.root}${path}${queryString({ tenant_id: api.tenantId, ...parameters })}`;
  for (let attempt = 0;; attempt++) {
    const outcome = await askOnce(api, url, options, false);
    const retryAfter = outcome instanceof Response ? outcome.headers.get("retry-after") : null;
    const asked = retryAfterMs(retryAfter, api.runtime.now(), api.backoffCapMs) ?? 0;
    let error: AuditApiError;
    try {
      if (outcome instanceof Response && outcome.ok) return await read(outcome);
      error = outcome instanceof Response ? await apiErrorOf(outcome) : outcome;
    } catch (reason) {
      error = unanswered(options.signal?.aborted ? options.signal.reason : reason);
    }
    const action = retryActionFor(error.status === 0 ? "network" : error.status);
    if (options.signal?.aborted || attempt >= api.retries || !(action === "retry" || action === "pause")) throw error;
    await sleep(api.runtime, asked + backoffMs(attempt, api.runtime.random(), api), options.signal).catch((reason: unknown) => {
      throw unanswered(reason);
    });
  }
}

/** One try; a token that turns out to be stale is fetched again. */
async function askOnce(api: Api, url: string, options: AskOptions, refresh: boolean): Promise<Response | AuditApiError> {
  const control = new AbortController();
  const timer = api.runtime.setTimer(() => control.abort(new Error(`no answer within ${api.timeoutMs} ms`)), api.timeoutMs, false);
  // The caller's signal also ends the body; the timer only guards the head of the answer.
  const signal = options.signal === undefined ? control.signal : AbortSignal.any([control.signal, options.signal]);
  try {
    signal.throwIfAborted();
    // Who is asked for a token may never answer, and does not hear the signal.
    const silence = new Promise<never>((_, reject) => signal.addEventListener("abort", reject, { once: true }));
    const credential = await Promise.race([silence, credentialHeaders(api.credential, refresh)]);
    const headers = { accept: "application/json", ...credential, ...options.headers };
    // A redirect would carry the credential elsewhere, and what is answered there is not the log: it is an answer like others.
    const response = await api.runtime.fetch(url, { headers, signal, redirect: "manual" });
    if (response.status !== 401 || refresh || api.credential.getToken === undefined) return response;
    await response.body?.cancel();
    return await askOnce(api, url, options, true);
  } catch (cause) {
    return unanswered(signal.aborted ? signal.reason : cause);
  } finally {
    api.runtime.clearTimer(timer);
  }
}

function unanswered(reason: unknown): AuditApiError {
  return new AuditApiError({ status: 0, code: "network", message: `ask API: ${reason instanceof Error ? reason.message : String(reason)}`, cause: reason });
}

export function queryString(parameters: Parameters): string {
  const list = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) list.set(name, value instanceof Date ? value.toISOString() : String(value));
  }
  return list.size === 0 ? "" : `?${list}`;
}

/** Waits; rejects with the signal's reason when that fires. */
export function sleep(runtime: Runtime, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => (runtime.clearTimer(timer), reject(signal?.reason));
    const timer = runtime.setTimer(() => (signal?.removeEventListener("abort", stop), resolve()), ms, true);
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

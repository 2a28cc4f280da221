import { credentialHeaders } from "../../sdk/src/http-door.ts";
import { apiErrorOf } from "../../sdk/src/query/api-error.ts";
import { createQueryClient, type QueryClient } from "../../sdk/src/query.ts";
import { type ApiTarget, apiTarget, type Scope, type TargetOptions } from "./target.ts";

const requestTimeoutMs = 60_000;

/** A client of the API that the options or the environment name. */
export function openClient(options: TargetOptions, scope: Scope): QueryClient {
  const { apiUrl, credential, tenantId } = apiTarget(options, scope);
  return createQueryClient({ apiUrl, apiKey: credential, ...tenantId === undefined ? {} : { tenantId } });
}

/** The answer's JSON of one request to a route that the query client does not have; throws what that client throws. */
export async function askApi(target: ApiTarget, method: string, path: string, body?: unknown): Promise<unknown> {
  const url = new URL(`${target.apiUrl}${path}`);
  if (target.tenantId !== undefined && method === "GET") url.searchParams.set("tenant_id", target.tenantId);
  const headers = new Headers({ ...await credentialHeaders({ apiKey: target.credential }, false), accept: "application/json" });
  if (body !== undefined) headers.set("content-type", "application/json");
  const signal = AbortSignal.timeout(requestTimeoutMs);
  // A redirect would carry the credential elsewhere: it is an answer like others.
  const response = await fetch(url, { method, headers, signal, redirect: "manual", ...body === undefined ? {} : { body: JSON.stringify(body) } });
  if (!response.ok) throw await apiErrorOf(response);
  return response.status === 204 ? undefined : await response.json();
}

/** An event as the API lists it. */
export type ListedEvent = {
  readonly tenant_id: string;
  readonly occurred_at: string;
  readonly id: string;
  readonly received_at: string;
  readonly principal: string;
  readonly event_type: string;
  readonly result: "success" | "failure" | "warning";
  readonly leaf_hash: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly duration_ms?: number;
  readonly producer_seq?: number;
  readonly [text: string]: unknown;
} & { readonly [Key in "source" | "actor_id" | "actor_type" | "object_type" | "object_id" | "message" | "ip_address" | "user_agent" | "request_id"]?: string };

export type EventList = { readonly events: readonly ListedEvent[]; readonly next_cursor: string | null; readonly fresh_as_of: string; readonly partial?: true };

export type Bucket = { readonly from: string; readonly to: string; readonly success: number; readonly failure: number; readonly warning: number };
export type FacetValue = { readonly value: string; readonly count: number };
export type Stats = {
  readonly from: string;
  readonly to: string;
  readonly total: number;
  readonly histogram: { readonly bucket_ms: number; readonly counted_from: string | null; readonly buckets: readonly Bucket[] };
  readonly facets: { readonly counted_events: number; readonly capped: boolean; readonly values: Readonly<Record<string, readonly FacetValue[]>> };
  readonly duration_ms: { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null;
  readonly fresh_as_of: string;
};

/** An RFC 9457 problem, or a network fault with code `network`. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly code: string;
  readonly status: number;
  readonly requestId: string | undefined;

  constructor(code: string, detail: string, status: number, requestId?: string) {
    super(detail);
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }
}

export type Parameters = Readonly<Record<string, string | undefined>>;

export type Api = {
  /** The JSON answer of `GET <path>`. */
  get<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T>;
  /** The response itself, for text, files and streams; throws ApiProblem unless it is ok. */
  open(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<Response>;
};

export function createApi(root: string, token: string, onUnauthenticated: () => void): Api {
  const open: Api["open"] = async (path, parameters, signal) => {
    const given = Object.entries(parameters ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "");
    const query = new URLSearchParams(given).toString();
    const url = `${root}/api/v1/audit/${path}${query === "" ? "" : `?${query}`}`;
    let response: Response;
    try {
      response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, ...(signal === undefined ? {} : { signal }) });
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
      throw new ApiProblem("network", "The audit service cannot be reached from here.", 0);
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status === 401) onUnauthenticated();
    throw problem;
  };
  return { open, get: async (path, parameters, signal) => await (await open(path, parameters, signal)).json() };
}

async function problemOf(response: Response): Promise<ApiProblem> {
  try {
    const { code, detail, request_id, errors } = await response.json() as { code: string; detail: string; request_id: string; errors?: { message: string }[] };
    const details = errors === undefined || errors.length === 0 ? detail : errors.map(({ message }) => message).join("; ");
    return new ApiProblem(code, details, response.status, request_id);
  } catch {
    return new ApiProblem("unknown", `The service answered ${response.status}.`, response.status);
  }
}

/** Who deleted an event softly, when and why. */
export type Deletion = { readonly by: string; readonly at: string; readonly reason: string };

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
  /** Only for admins who asked for deleted events as well. */
  readonly deleted?: Deletion;
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
  /** What event types mean, of those that the deployment's catalogue describes. */
  readonly descriptions?: Readonly<Record<string, string>>;
  readonly duration_ms: { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null;
  readonly fresh_as_of: string;
};

/** What is wrong with one parameter or field; `hint` says what to write instead. */
export type Fault = { readonly pointer?: string; readonly message: string; readonly hint?: string; readonly position?: number; readonly length?: number };

/** An RFC 9457 problem, or a network fault with code `network`. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly code: string;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly faults: readonly Fault[];
  /** When the service wants to be asked again, where it says. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, detail: string, status: number, requestId?: string, retryAfterSeconds?: number, faults: readonly Fault[] = []) {
    super(detail);
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.faults = faults;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export type Parameters = Readonly<Record<string, string | undefined>>;

export type Api = {
  /** The JSON answer of `GET <path>`. */
  get<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T>;
  /** The JSON answer of a request that changes something; undefined when the answer is empty. */
  send<T>(method: "POST" | "PUT" | "DELETE", path: string, parameters?: Parameters, body?: unknown): Promise<T>;
  /** The response itself, for text, files and streams; throws ApiProblem unless it is ok. */
  open(path: string, parameters?: Parameters, options?: OpenOptions): Promise<Response>;
};

export type OpenOptions = Pick<RequestInit, "method" | "body" | "signal"> & { readonly headers?: Readonly<Record<string, string>> };

/** `tokenNow` is asked anew for each request: what takes longer than a token lives goes on under the next. */
export function createApi(root: string, tokenNow: () => string, onRefused: (token: string) => void): Api {
  const open: Api["open"] = async (path, parameters, options = {}) => {
    const token = tokenNow();
    let response: Response;
    try {
      response = await fetch(urlOf(root, path, parameters), { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
      throw new ApiProblem("network", "The audit service cannot be reached from here.", 0);
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status === 401) onRefused(token);
    throw problem;
  };
  return {
    open,
    get: async (path, parameters, signal) => await (await open(path, parameters, signal === undefined ? {} : { signal })).json(),
    send: async (method, path, parameters, body) => {
      const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      const text = await (await open(path, parameters, { method, ...content })).text();
      return text === "" ? undefined : JSON.parse(text);
    },
  };
}

function urlOf(root: string, path: string, parameters: Parameters = {}): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "");
  const query = new URLSearchParams(given).toString();
  return `${root}/api/v1/audit/${path}${query === "" ? "" : `?${query}`}`;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const retryAfter = /^\d+$/.exec(response.headers.get("retry-after") ?? "")?.[0];
  const retryAfterSeconds = retryAfter === undefined ? undefined : Number(retryAfter);
  try {
    const { code, detail, request_id, errors = [] } = await response.json() as { code: string; detail: string; request_id: string; errors?: Fault[] };
    const details = errors.length === 0 ? detail : errors.map(({ pointer, message }) => pointer === undefined ? message : `${pointer}: ${message}`).join("; ");
    return new ApiProblem(code, details, response.status, request_id, retryAfterSeconds, errors);
  } catch {
    return new ApiProblem("unknown", `The service answered ${response.status}.`, response.status, undefined, retryAfterSeconds);
  }
}

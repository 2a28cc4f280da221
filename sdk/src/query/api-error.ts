/** One thing that is wrong with a request. */
export type ApiFault = {
  /** A code of `docs/reference/errors.md`. */
  readonly code: string;
  /** Parameter, or JSON Pointer into the body. */
  readonly pointer: string;
  /** What is wrong, for people. */
  readonly message: string;
  /** What to write instead, where that is known. */
  readonly hint?: string;
  /** Where in the text of `q` the fault begins, in UTF-16 code units. */
  readonly position?: number;
  /** Of what is at fault, in UTF-16 code units. */
  readonly length?: number;
};

/** The API refused, or could not: what its RFC 9457 problem says. */
export class AuditApiError extends Error {
  override name = "AuditApiError";
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /**
   * A code of `docs/reference/errors.md`; `http_<status>` when the answer is no problem document, `network` when there was none, `cut_short` or
   * `export_in_parts` of exports.
   */
  readonly code: string;
  /** What to quote to the operator. */
  readonly requestId: string | undefined;
  /** Single faults of the request; empty when the problem names none. */
  readonly errors: readonly ApiFault[];
  constructor(
    about: {
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly requestId?: string | undefined;
      readonly errors?: readonly ApiFault[];
      readonly cause?: unknown;
    },
  ) {
    super(about.message, about.cause === undefined ? undefined : { cause: about.cause });
    this.status = about.status;
    this.code = about.code;
    this.requestId = about.requestId;
    this.errors = about.errors ?? [];
  }
}

/** The error that an answer which is not 2xx stands for. */
export async function apiErrorOf(response: Response): Promise<AuditApiError> {
  const text = await response.text().catch(() => "");
  let problem: Record<string, unknown> = {};
  try {
    problem = Object(JSON.parse(text));
  } catch {
    // A proxy's page: the status says it all.
  }
  const word = (name: string) => typeof problem[name] === "string" ? problem[name] : undefined;
  return new AuditApiError({
    status: response.status,
    code: word("code") ?? `http_${response.status}`,
    message: word("detail") ?? `ask API: answered ${response.status}`,
    requestId: word("request_id") ?? response.headers.get("x-request-id") ?? undefined,
    errors: Array.isArray(problem["errors"]) ? problem["errors"] : [],
  });
}

/**
 * What the client does with an answer that carries no verdict per event:
 * `retry` the other door at once, then wait with full jitter; `pause` both doors for `Retry-After`; `refresh` the credential, then wait;
 * `reroute` to the other door and leave this one alone for a while; `split` the batch in halves until the event at fault stands alone.
 */
export type RetryAction = "retry" | "pause" | "refresh" | "reroute" | "split";

/** The status of an answer, or "network" when there was none that could be read. */
export type AnswerStatus = number | "network";

/** One line of the table. */
export type RetryRule = {
  /** Statuses that it is for, one by one or from and to, both included. */
  readonly statuses: readonly (AnswerStatus | readonly [from: number, to: number])[];
  /** What is done then. */
  readonly action: RetryAction;
};

/** What is done about an answer without verdicts: the first rule that names its status decides. Data, so that no rule hides in code. */
export const retryTable: readonly RetryRule[] = [
  // The limit is the credential's, so the other door would refuse as well.
  { statuses: [429], action: "pause" },
  // A key can be corrected while events wait.
  { statuses: [401, 403, 407], action: "refresh" },
  // This door is not here, or not yet.
  { statuses: [[300, 399], 404, 405, 410, 421, 501, 505], action: "reroute" },
  // Nobody knows whether the batch was stored, and the same ids make a second try harmless; or the server could not, and may later.
  { statuses: ["network", [100, 299], 408, 425, [500, 599]], action: "retry" },
  // Something in the batch is at fault: alone, that event is rejected and the others go on.
  { statuses: [[400, 499]], action: "split" },
];

/** The action for `status`, by {@link retryTable}. */
export function retryActionFor(status: AnswerStatus): RetryAction {
  // A name compares with a number as NaN does: it lies in no range.
  const isNamed = (named: RetryRule["statuses"][number]) =>
    typeof named === "object" ? (status as number) >= named[0] && (status as number) <= named[1] : named === status;
  return retryTable.find(({ statuses }) => statuses.some(isNamed))?.action ?? "retry";
}

/** Full jitter: anything from nothing to an exponential bound, so that a thousand clients do not return together. */
export function backoffMs(attempts: number, random: number, settings: { readonly backoffBaseMs: number; readonly backoffCapMs: number }): number {
  return random *
    Math.min(settings.backoffCapMs, settings.backoffBaseMs * 2 ** Math.min(attempts, 20));
}

/** `Retry-After` (RFC 9110 section 10.2.3: seconds or a date) as milliseconds from `nowMs`, at most `capMs`; undefined when absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number, capMs: number): number | undefined {
  const ms = /^ *\d+ *$/.test(header ?? "") ? Number(header) * 1000 : Date.parse(header ?? "") - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), capMs);
}

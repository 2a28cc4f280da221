import { bindingOf } from "./format/cursor.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import type { Json } from "./event.ts";
import { AuditError } from "./errors.ts";
import { limits } from "./limits.ts";
import type { Sha256 } from "./ports.ts";
import type { Condition, Filter, TextField } from "./query-filter.ts";
import { loweredFields } from "./query-filter.ts";
import { parseQuery } from "./query-language.ts";
import { parseNetwork } from "./query-network.ts";
import type { FilterParameters } from "./query-parameters.ts";
import { parseSpan, shifted } from "./query-time.ts";

/** A question about one tenant's events, without the time it was asked at: what a cursor is bound to and what a read is recorded as. */
export type Question = {
  readonly tenantId: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly conditions: readonly Condition[];
  readonly includeDeleted: boolean;
};

/** The question that validated `parameters` ask of `tenantId`. Throws `invalid_parameter` where they contradict each other. */
export function questionOf(parameters: FilterParameters, tenantId: string): Question {
  const given = { from: parameters.from ?? parameters.start_date, to: parameters.to ?? parameters.end_date };
  const { query } = parseQuery(parameters.q ?? "");
  const from = latest(given.from === undefined ? undefined : parseSpan(given.from)?.first, query.from);
  const to = earliest(given.to === undefined ? undefined : parseSpan(given.to)?.last, query.to);
  if (from !== undefined && to !== undefined && from > to) {
    const pointer = parameters.from !== undefined ? "from" : parameters.start_date !== undefined ? "start_date" : "q";
    throw new AuditError("invalid_parameter", "read window: it ends before it begins; let it begin earlier or end later", { pointer });
  }
  const conditions = [...parameterConditions(parameters), ...query.conditions];
  return { tenantId, from, to, conditions: sorted(conditions), includeDeleted: parameters.include_deleted ?? false };
}

/**
 * The filter that `question` is at `now`: without a window it is the last seven days, and the hour that events may be ahead of our clock.
 * With one end given, the other is counted from it.
 */
export function filterOf(question: Question, now: Date, aheadMinutes: number): Filter {
  const { tenantId, conditions, includeDeleted } = question;
  const today = now.toISOString();
  const from = question.from ?? shifted(question.to ?? today, -limits.queryDefaultDays * 86_400_000);
  const to = question.to ?? shifted(from > today ? from : today, aheadMinutes * 60_000);
  return { tenantId, from, to, conditions, includeDeleted };
}

/** What binds a cursor to `question`, and tells reads with one filter from reads with another. */
export function questionBinding(question: Question, sha256: Sha256): string {
  return bindingOf(canonicalJson(questionJson(question)), sha256);
}

/** `question` as JSON, for the record of who read what. */
export function questionJson({ tenantId, from, to, conditions, includeDeleted }: Question): Json {
  return withoutUndefined({ tenant_id: tenantId, from, to, conditions, include_deleted: includeDeleted });
}

function parameterConditions(parameters: FilterParameters): Condition[] {
  const texts: readonly (readonly [TextField, string | undefined])[] = [
    ["source", parameters.source],
    ["event_type", parameters.event_type ?? parameters.operation_type],
    ["actor_id", parameters.actor_id],
    ["actor_type", parameters.actor_type],
    ["object_type", parameters.object_type],
    ["object_id", parameters.object_id],
    ["request_id", parameters.request_id],
  ];
  const conditions: Condition[] = [];
  for (const [field, value] of texts) {
    if (value === undefined) continue;
    conditions.push({ kind: "text", field, values: [loweredFields.has(field) ? value.toLowerCase() : value], prefixes: [], negated: false });
  }
  if (parameters.result !== undefined) conditions.push({ kind: "result", values: [parameters.result], negated: false });
  const network = parameters.ip_address === undefined ? undefined : parseNetwork(parameters.ip_address);
  if (network !== undefined) conditions.push({ kind: "ip", networks: [network], negated: false });
  return conditions;
}

/** In an order of their own, so that the same question asked in two ways is one question. */
function sorted(conditions: readonly Condition[]): readonly Condition[] {
  const keyed = conditions.map((condition) => ({ condition, key: canonicalJson(withoutUndefined(condition)) }));
  const ordered = keyed.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return ordered.filter(({ key }, index) => key !== ordered[index - 1]?.key).map(({ condition }) => condition);
}

function withoutUndefined(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function latest(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

function earliest(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

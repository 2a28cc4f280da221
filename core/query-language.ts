import { eventResults } from "./event.ts";
import type { Condition, TextField } from "./query-filter.ts";
import { loweredFields } from "./query-filter.ts";
import { limits } from "./limits.ts";
import { nearest } from "./nearest.ts";
import { parseNetwork } from "./query-network.ts";
import { parseSpan, shifted } from "./query-time.ts";
import type { QueryFault, Term, TermValue } from "./query-scanner.ts";
import { scanQuery } from "./query-scanner.ts";

/** A query that was understood: what must hold, and the window that `created:` terms leave. */
export type ParsedQuery = { readonly conditions: readonly Condition[]; readonly from: string | undefined; readonly to: string | undefined };

/**
 * The query language of `q`. Terms stand side by side and all must hold:
 *
 *     actor:alice action:order.* -result:success ip:10.0.0.0/8 created:2026-01-01..2026-01-31 "card declined"
 *
 * `-` negates, `,` separates alternatives, a star at the end asks for a prefix, `..`, `<`, `<=`, `>`, `>=` make ranges of `created` and
 * `duration`, `context.<key>:value` looks into the context. Everything else is text to look for. Returns the faults, at most ten, when the
 * query is not one; they name a position and what to write, and never repeat the query.
 */
export function parseQuery(text: string): { readonly query: ParsedQuery; readonly faults: readonly QueryFault[] } {
  const { terms, faults: scanned } = scanQuery(text);
  const faults = [...scanned];
  const conditions: Condition[] = [];
  let from: string | undefined;
  let to: string | undefined;
  for (const term of terms.slice(0, limits.queryTermsMax)) {
    const meaning = meaningOf(term);
    if ("message" in meaning) faults.push(meaning);
    else if ("kind" in meaning) conditions.push(meaning);
    else {
      from = meaning.from === undefined || (from !== undefined && from > meaning.from) ? from : meaning.from;
      to = meaning.to === undefined || (to !== undefined && to < meaning.to) ? to : meaning.to;
    }
  }
  const surplus = terms[limits.queryTermsMax];
  if (surplus !== undefined) {
    faults.push(fault(surplus, `a query holds at most ${limits.queryTermsMax} terms`, "use commas between alternatives: action:a,b,c"));
  }
  if (from !== undefined && to !== undefined && from > to) {
    faults.push({
      position: 0,
      length: text.length,
      message: "the created terms leave no time",
      hint: "put the earlier date first, in one term: created:2026-01-01..2026-01-31",
    });
  }
  return { query: { conditions, from, to }, faults: faults.sort((a, b) => a.position - b.position).slice(0, 10) };
}

type Meaning = Condition | QueryFault | { readonly from: string | undefined; readonly to: string | undefined };

const textKeys: Readonly<Record<string, TextField>> = {
  actor: "actor_id",
  actor_id: "actor_id",
  operator: "actor_id",
  actor_type: "actor_type",
  action: "event_type",
  type: "event_type",
  event_type: "event_type",
  operation_type: "event_type",
  object: "object_id",
  object_id: "object_id",
  object_type: "object_type",
  source: "source",
  request: "request_id",
  request_id: "request_id",
  principal: "principal",
  producer: "producer_id",
  producer_id: "producer_id",
};

/** Every key of the language, for hints and completion. */
export const queryKeys: readonly string[] = [...Object.keys(textKeys), "id", "result", "ip", "ip_address", "created", "occurred_at", "duration", "duration_ms"];

function meaningOf(term: Term): Meaning {
  const { key } = term;
  if (key === undefined) return wordsCondition(term);
  const field = Object.hasOwn(textKeys, key) ? textKeys[key] : undefined;
  if (field !== undefined) return textCondition(term, field);
  if (key.startsWith("context.")) return contextCondition(term, key);
  if (key === "id") return idCondition(term);
  if (key === "result") return resultCondition(term);
  if (key === "ip" || key === "ip_address") return ipCondition(term);
  if (key === "duration" || key === "duration_ms") return durationCondition(term);
  if (key === "created" || key === "occurred_at") return createdSpan(term);
  return { position: term.position, length: term.length, message: "the key before the colon is not known", hint: keyHint(key) };
}

/** How other query languages combine terms, and what does that here. Taken as text to look for, they would find nothing and nobody would know why. */
const foreign: readonly (readonly [RegExp, string, string])[] = [
  [/^OR$/, "OR stands between terms, which must all hold", "write alternatives of one key with commas: actor:alice,bob"],
  [/^AND$/, "AND stands between terms, which must all hold anyway", "leave it out"],
  [/^NOT$/, "NOT stands before a term", "write a minus right before what must not hold: -result:success"],
  [/^\(+-?[A-Za-z_][A-Za-z0-9_.-]*:/, "a parenthesis stands before a term, and there are no groups", "leave it out"],
];

function wordsCondition(term: Term): Meaning {
  const { text, quoted } = term.values[0] ?? { text: "", quoted: false };
  const meant = quoted ? undefined : foreign.find(([form]) => form.test(text));
  if (meant !== undefined) return fault(term, meant[1], `${meant[2]}; ${quoteHint}`);
  return { kind: "words", text, negated: term.negated };
}

function textCondition(term: Term, field: TextField): Meaning {
  const lower = (value: TermValue) => loweredFields.has(field) ? value.text.toLowerCase() : value.text;
  const tooLong = term.values.find((value) => new TextEncoder().encode(value.text).length > limits.indexedBytesMax);
  if (tooLong !== undefined) return at(tooLong, `a value is longer than ${limits.indexedBytesMax} bytes`, "shorten it and end it with a star");
  return { kind: "text", field, ...wholesAndPrefixes(term.values, lower), negated: term.negated };
}

function contextCondition(term: Term, key: string): Meaning {
  const path = key.slice("context.".length).split(".");
  if (path.some((step) => step === "")) return fault(term, "a step of the path into the context is empty", "write context.order.total:150");
  // Taken as text they would find nothing, and nobody would know why.
  const range = term.values.find(({ text, quoted }) => !quoted && /^[<>]|^\d+\.\.\d+$/.test(text));
  if (range !== undefined) return at(range, "values of the context have no ranges", `write the value, like context.order.total:150; ${quoteHint}`);
  return { kind: "context", path, ...wholesAndPrefixes(term.values, (value) => value.text), negated: term.negated };
}

function wholesAndPrefixes(values: readonly TermValue[], form: (value: TermValue) => string) {
  return { values: values.filter((value) => !value.prefix).map(form), prefixes: values.filter((value) => value.prefix).map(form) };
}

function idCondition(term: Term): Meaning {
  const bad = term.values.find((value) => value.prefix || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value.text));
  if (bad !== undefined) return at(bad, "an id is not a UUID", "write all 36 characters, with dashes");
  return { kind: "id", values: term.values.map((value) => value.text.toLowerCase()), negated: term.negated };
}

function resultCondition(term: Term): Meaning {
  const values = term.values.map((value) => eventResults.find((result) => !value.prefix && result === value.text.toLowerCase()));
  const bad = term.values[values.indexOf(undefined)];
  if (bad !== undefined) return at(bad, "the result is not one that events have", `write ${eventResults.join(", ")}`);
  return { kind: "result", values: values.filter((value) => value !== undefined), negated: term.negated };
}

function ipCondition(term: Term): Meaning {
  const networks = term.values.map((value) => value.prefix ? undefined : parseNetwork(value.text));
  const bad = term.values[networks.indexOf(undefined)];
  if (bad !== undefined) return at(bad, "an address is not an IP address or network", "write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32");
  return { kind: "ip", networks: networks.filter((network) => network !== undefined), negated: term.negated };
}

function durationCondition(term: Term): Meaning {
  const hint = "write duration:500, duration:>=500 or duration:100..500, in milliseconds";
  if (term.values.length > 1) return fault(term, "a duration takes one value or range", hint);
  const range = rangeOf(term.values[0]);
  const ends = [range?.low, range?.high].map((end) => end === undefined ? undefined : /^\d{1,10}$/.test(end) ? Number(end) : NaN);
  if (range === undefined || ends.some((end) => Number.isNaN(end))) return fault(term, "a duration is not a whole number of milliseconds", hint);
  const [low, high] = ends;
  const min = low === undefined ? undefined : range.aboveLow ? low + 1 : low;
  const max = high === undefined ? undefined : range.belowHigh ? high - 1 : high;
  if (min !== undefined && max !== undefined && min > max) return fault(term, "the range of durations is empty", "put the smaller number first");
  return { kind: "duration", min, max, negated: term.negated };
}

function createdSpan(term: Term): Meaning {
  const hint = "write created:2026-01-31, created:2026-01-01..2026-01-31 or created:>=2026-01-01T08:00:00Z";
  if (term.negated) return fault(term, "created cannot be negated", "give the time you want: created:<2026-01-01");
  if (term.values.length > 1) return fault(term, "created takes one date or range", hint);
  const range = rangeOf(term.values[0]);
  const low = range?.low === undefined ? undefined : parseSpan(range.low);
  const high = range?.high === undefined ? undefined : parseSpan(range.high);
  if (range === undefined || (range.low !== undefined && low === undefined) || (range.high !== undefined && high === undefined)) {
    return fault(term, "a time is not a date or time that can be read", hint);
  }
  return {
    from: low === undefined ? undefined : range.aboveLow ? shifted(low.last, 1) : low.first,
    to: high === undefined ? undefined : range.belowHigh ? shifted(high.first, -1) : high.last,
  };
}

type Range = { readonly low: string | undefined; readonly high: string | undefined; readonly aboveLow?: boolean; readonly belowHigh?: boolean };

/** `a..b`, `a..`, `..b`, `>a`, `>=a`, `<b`, `<=b` or a single value; undefined when nothing is bounded. */
function rangeOf(value: TermValue | undefined): Range | undefined {
  if (value === undefined || value.prefix) return undefined;
  const compared = /^(<=|>=|<|>)(.+)$/.exec(value.text);
  if (compared !== null) {
    const [, sign, end] = compared;
    return sign?.startsWith("<") ? { low: undefined, high: end, belowHigh: sign === "<" } : { low: end, high: undefined, aboveLow: sign === ">" };
  }
  const dots = value.text.indexOf("..");
  if (dots < 0) return { low: value.text, high: value.text };
  const [low, high] = [value.text.slice(0, dots), value.text.slice(dots + 2)];
  return low === "" && high === "" ? undefined : { low: low || undefined, high: high || undefined };
}

const quoteHint = "to look for the text itself, put it in quotation marks";

function keyHint(key: string): string {
  const near = nearest(key, queryKeys);
  return near === undefined ? `known keys are ${queryKeys.join(", ")} and context.<key>; ${quoteHint}` : `did you mean ${near}? ${quoteHint}`;
}

function fault(term: Term, message: string, hint: string): QueryFault {
  return { position: term.position, length: term.length, message, hint };
}

function at(value: TermValue, message: string, hint: string): QueryFault {
  return { position: value.position, length: value.text.length, message, hint };
}

import { earliestMs, formatTimestamp, latestMs, parseTimestamp } from "./format/timestamp.ts";

/** First and last moment that the text of a time bound stands for: a bare date stands for its whole day (UTC), a time for its millisecond. */
export type Span = { readonly first: string; readonly last: string };

const form = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d{1,9}))?([Zz]|[+-]\d{2}:?\d{2})?)?$/;

/**
 * The moments that `text` stands for, or undefined when it is no date or time. Takes RFC 3339, a bare date, and the forms of ISO 8601 without
 * seconds or zone that forms and `datetime.isoformat()` send: without a zone it is UTC. Digits beyond milliseconds are cut, as at the door.
 */
export function parseSpan(text: string): Span | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, date, minute, second = ":00", fraction = "0", zone = "Z"] = match;
  if (minute === undefined) {
    const first = parseTimestamp(`${date}T00:00:00Z`);
    return first === undefined ? undefined : { first: formatTimestamp(first), last: formatTimestamp(first + 86_399_999) };
  }
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const at = parseTimestamp(`${date}T${minute}${second}.${fraction}${offset}`);
  return at === undefined ? undefined : { first: formatTimestamp(at), last: formatTimestamp(at) };
}

/** True for a UTC day of the calendar and nothing else, like 2026-01-31. Postgres can be asked for every one: it knows no year 0, and here is none. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && parseSpan(text) !== undefined;
}

/** The moment `ms` milliseconds after `at`, or the nearest that can be written. */
export function shifted(at: string, ms: number): string {
  return formatTimestamp(Math.min(Math.max(Date.parse(at) + ms, earliestMs), latestMs));
}

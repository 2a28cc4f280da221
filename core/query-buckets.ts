import { shifted } from "./query-time.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Widths that people read easily; weeks and longer are whole weeks, so that their bars begin on Mondays. */
const widthsMs = [
  second,
  2 * second,
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  7 * day,
  14 * day,
  28 * day,
  91 * day,
  364 * day,
  3640 * day,
  36400 * day,
] as const;

/** Buckets are counted from the first Monday after 1970 began, as `date_bin` does with that origin. */
const originMs = 4 * day;

/** The narrowest readable width that cuts the window (both ends included) into at most `bucketsMax` buckets, or into three where fewer cannot be. */
export function bucketWidthMs(from: string, to: string, bucketsMax: number): number {
  const fits = widthsMs.find((width) => numberOf(to, width) - numberOf(from, width) < bucketsMax);
  // A window across the origin has two buckets at least, however wide. Postgres has no time before 4713 BC to begin a wider one at.
  return fits ?? 6_000 * 364 * day;
}

/** Starts of the buckets of `widthMs` that the window touches, in order. */
export function bucketStarts(from: string, to: string, widthMs: number): readonly string[] {
  const first = numberOf(from, widthMs);
  return Array.from({ length: numberOf(to, widthMs) - first + 1 }, (_, index) => startOf(first + index, widthMs));
}

/** Start of the bucket of `widthMs` that `at` lies in. */
export function bucketStartOf(at: string, widthMs: number): string {
  return startOf(numberOf(at, widthMs), widthMs);
}

function numberOf(at: string, widthMs: number): number {
  return Math.floor((Date.parse(at) - originMs) / widthMs);
}

function startOf(number: number, widthMs: number): string {
  return shifted(new Date(0).toISOString(), originMs + number * widthMs);
}

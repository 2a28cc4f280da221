/** Milliseconds of 0001-01-01T00:00:00.000Z and of 9999-12-31T23:59:59.999Z: the times that both JavaScript and timestamptz can write. */
export const earliestMs = -62_135_596_800_000;
export const latestMs = 253_402_300_799_999;

// RFC 3339 section 5.6; "T" and "Z" may be lower case. A space for "T" is left out on purpose: one spelling less to tell apart.
const form = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,30}))?(?:Z|([+-])(\d{2}):(\d{2}))$/i;
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * Milliseconds since 1970 of an RFC 3339 time, fractions cut to milliseconds and never rounded; undefined for anything else: no offset, 24:00,
 * a leap second (neither JavaScript nor Postgres keeps one), a day its month does not have, an instant outside the years 0001 to 9999.
 */
export function parseTimestamp(text: string): number | undefined {
  return parseOwnForm(text) ?? parseAnyForm(text);
}

/**
 * The same for a time as we write it ourselves, `2026-11-22T03:04:05.678Z`, as most producers do: read by its digits, without the ten captures of a
 * regular expression. Undefined for other forms, and where a number is too large for its place.
 */
function parseOwnForm(text: string): number | undefined {
  const isOwnForm = text.length === 24 && text[4] === "-" && text[7] === "-" && text[10] === "T" && text[13] === ":" && text[16] === ":" && text[19] === ".";
  if (!isOwnForm || text[23] !== "Z") return undefined;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const [hour, minute, second, millisecond] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19), digits(text, 20, 23)];
  // NaN, which stands for what is no digit, fails every comparison.
  const isDate = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
  if (!isDate || !(hour <= 23 && minute <= 59 && second <= 59 && millisecond >= 0)) return undefined;
  return daysSince1970(year, month, day) * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + millisecond;
}

/** The decimal number in `text` from `start` to before `end`; NaN when one of its characters is no digit. */
function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

function parseAnyForm(text: string): number | undefined {
  const parts = form.exec(text);
  if (parts === null) return undefined;
  const year = Number(parts[1]);
  const month = Number(parts[2]);
  const day = Number(parts[3]);
  const [hour, minute, second] = [Number(parts[4]), Number(parts[5]), Number(parts[6])];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  const offsetMinutes = parts[8] === undefined ? 0 : minutesOf(parts[8], Number(parts[9]), Number(parts[10]));
  if (offsetMinutes === undefined) return undefined;
  const millisecond = parts[7] === undefined ? 0 : Number(parts[7].slice(0, 3).padEnd(3, "0"));
  const ms = daysSince1970(year, month, day) * 86_400_000 + hour * 3_600_000 + (minute - offsetMinutes) * 60_000 + second * 1000 + millisecond;
  return ms < earliestMs || ms > latestMs ? undefined : ms;
}

/** `ms` as `YYYY-MM-DDTHH:MM:SS.mmmZ`, the only way we write a time. Throws outside the years 0001 to 9999. */
export function formatTimestamp(ms: number): string {
  if (!(ms >= earliestMs && ms <= latestMs)) throw new RangeError(`write time: milliseconds are out of range: ${ms}`);
  return new Date(ms).toISOString();
}

/** `formatTimestamp(ms)` for the `ms` that `text` was read as; `text` itself where it is written so already, as most are. */
export function rewriteTimestamp(text: string, ms: number): string {
  // Of all that parseTimestamp takes, only YYYY-MM-DDTHH:MM:SS.mmmZ has this length, this T and this Z.
  return text.length === 24 && text[10] === "T" && text[23] === "Z" ? text : formatTimestamp(ms);
}

function daysOf(year: number, month: number): number {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeapYear ? 29 : monthDays[month - 1] as number;
}

function minutesOf(sign: string, hours: number, minutes: number): number | undefined {
  if (hours > 23 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar. Date.UTC would read the years 0 to 99 as 1900 to 1999. */
function daysSince1970(year: number, month: number, day: number): number {
  // Years begin in March here, so that the leap day is a year's last.
  const shifted = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return shifted * 365 + Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400) + dayOfYear - 719_468;
}

export type Zone = "utc" | "local";

const two = (value: number) => String(value).padStart(2, "0");

/** A time to the millisecond as people sort it: `2026-11-22 03:48:28.067`; the zone stands at the column's head. */
export function formatTime(time: string, zone: Zone): string {
  const date = new Date(time);
  if (zone === "utc") return date.toISOString().replace("T", " ").replace("Z", "");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** What a column head says of its times. */
export function zoneName(zone: Zone): string {
  return zone === "utc"
    ? "UTC"
    : Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts().find(({ type }) => type === "timeZoneName")?.value ?? "local";
}

/** The value of a datetime-local input for `time`, and back. */
export function inputOf(time: string | undefined, zone: Zone): string {
  return time === undefined ? "" : formatTime(time, zone).replace(" ", "T").slice(0, 16);
}

export function timeOfInput(value: string, zone: Zone): string | undefined {
  if (value === "") return undefined;
  const date = new Date(zone === "utc" ? `${value}Z` : value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

export type Zone = "utc" | "local";

const two = (value: number) => String(value).padStart(2, "0");

/** A time to the millisecond as people sort it: `2026-11-22 03:48:28.067`; the zone stands at the column's head. */
export function formatTime(time: string, zone: Zone): string {
  const date = new Date(time);
  if (zone === "utc") return date.toISOString().replace("T", " ").replace("Z", "");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The same to the second, for times that nobody sorts events by. */
export function formatSecond(time: string, zone: Zone): string {
  return formatTime(time, zone).slice(0, 19);
}

/**
 * The zone of times: by its place where it stands over many, since a column that runs over a change of the clocks has two offsets; by the offset that
 * holds at `time` beside a single one, since an hour of the autumn comes twice.
 */
export function zoneName(zone: Zone, time?: string): string {
  if (zone === "utc") return "UTC";
  if (time === undefined) return Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local";
  return Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" }).formatToParts(new Date(time)).find(({ type }) => type === "timeZoneName")?.value ?? "local";
}

/** The value of a datetime-local input for `time`, and back. */
export function inputOf(time: string | undefined, zone: Zone): string {
  return time === undefined || Number.isNaN(Date.parse(time)) ? "" : formatTime(time, zone).replace(" ", "T").slice(0, 16);
}

export function timeOfInput(value: string, zone: Zone): string | undefined {
  if (value === "") return undefined;
  const date = new Date(zone === "utc" ? `${value}Z` : value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const steps = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]] as const;

/** A span in its largest whole unit: `3 minutes`. */
export function formatSpan(ms: number): string {
  const [unit, size] = steps.find(([, length]) => Math.abs(ms) >= length) ?? ["second", 1000];
  const count = Math.round(Math.abs(ms) / size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

import { plainAddress } from "./ip-address.ts";

type Fields = Readonly<Record<string, unknown>>;

const lowered = ["id", "tenant_id", "source", "actor_type", "event_type", "object_type"];

/** An event as the server stores it: names and ids in lower case, times cut to milliseconds, addresses in one spelling, whole durations. */
export function storedForm(event: Fields): Fields {
  const stored: Record<string, unknown> = { result: "success", ...event };
  for (const name of lowered) if (typeof stored[name] === "string") stored[name] = stored[name].toLowerCase();
  stored["occurred_at"] ??= uuid7Time(String(stored["id"]));
  if (typeof stored["occurred_at"] === "string") stored["occurred_at"] = milliseconds(stored["occurred_at"]);
  if (typeof stored["duration_ms"] === "number") stored["duration_ms"] = Math.round(stored["duration_ms"]) + 0;
  if (typeof stored["producer_seq"] === "number") stored["producer_seq"] += 0;
  if (typeof stored["ip_address"] === "string") stored["ip_address"] = storedAddress(stored["ip_address"]);
  return stored;
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ`, further digits cut: not every engine's Date cuts rather than rounds. */
function milliseconds(time: string): string {
  const ms = Date.parse(time.toUpperCase().replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(ms) ? time : new Date(ms).toISOString();
}

/** An address as the server spells it: RFC 5952, and an IPv4-mapped IPv6 address as IPv4. */
function storedAddress(text: string): string {
  const normal = plainAddress(text) ?? text;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(normal) ?? [];
  return high && low ? [high, low].flatMap((part) => [parseInt(part, 16) >> 8, parseInt(part, 16) & 0xff]).join(".") : normal;
}

/** The time inside a version-7 UUID; undefined for others. */
function uuid7Time(id: string): string | undefined {
  const [, high, low] = /^([\da-f]{8})-([\da-f]{4})-7/.exec(id) ?? [];
  return high && low ? new Date(parseInt(high + low, 16)).toISOString() : undefined;
}

import type { ListedEvent } from "../api.ts";

/** The event as a sentence: "user-123 updated order order-456, failed, 32 ms". Its last part of the type is the verb. */
export function sentenceOf(event: Pick<ListedEvent, "actor_id" | "event_type" | "object_type" | "object_id" | "result" | "duration_ms">): string {
  const verb = (event.event_type.split(/[.:/]/).at(-1) ?? event.event_type).replaceAll("_", " ");
  const object = [event.object_type === event.object_id ? undefined : event.object_type, event.object_id].filter(Boolean).join(" ");
  const parts = [[event.actor_id ?? "Somebody", verb, object].filter(Boolean).join(" ")];
  if (event.result === "failure") parts.push("failed");
  if (event.result === "warning") parts.push("with a warning");
  if (event.duration_ms !== undefined) parts.push(`${event.duration_ms.toLocaleString("en")} ms`);
  return parts.join(", ");
}

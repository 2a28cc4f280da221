import type { ListedEvent } from "../api.ts";

/** A sentence in pieces: names are written by whoever sent the event, and may run from right to left. */
export type Sentence = readonly { readonly text: string; readonly isName: boolean }[];

/** Characters of a name that stand in a sentence: without the verb it would say nothing. */
const nameLength = 60;

/** The event as a sentence: "user-123 updated order order-456, failed, 32 ms". Its last part of the type is the verb. */
export function sentenceOf(event: Pick<ListedEvent, "actor_id" | "event_type" | "object_type" | "object_id" | "result" | "duration_ms">): Sentence {
  const verb = (event.event_type.split(/[.:/]/).at(-1) ?? event.event_type).replaceAll("_", " ");
  const names = [event.object_type === event.object_id ? undefined : event.object_type, event.object_id].filter((name) => name !== undefined && name !== "");
  const endings = [event.result === "failure" ? "failed" : event.result === "warning" ? "with a warning" : undefined, durationOf(event.duration_ms)];
  return [
    event.actor_id === undefined ? { text: "Somebody", isName: false } : nameOf(event.actor_id),
    { text: ` ${verb}`, isName: false },
    ...names.flatMap((name) => [{ text: " ", isName: false }, nameOf(name ?? "")]),
    { text: endings.map((ending) => ending === undefined ? "" : `, ${ending}`).join(""), isName: false },
  ];
}

function nameOf(text: string): Sentence[number] {
  const characters = Array.from(text.slice(0, 2 * nameLength + 2));
  return { text: characters.length > nameLength ? `${characters.slice(0, nameLength - 1).join("")}…` : text, isName: true };
}

function durationOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${ms.toLocaleString("en")} ms`;
}

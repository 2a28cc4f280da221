import { stringify } from "./make-event.ts";

/** What an update changed, by the names that differ: the two sides hold only those. */
export type Change = { readonly before?: object; readonly after?: object; readonly changed?: readonly string[] };

/** JSON characters of both sides together beyond which only the names are kept: an event's context is limited to 32 KiB. */
const changeLengthMax = 16_000;

/** The difference of two versions of an object, compared name by name by their JSON. Never throws: sides that have none stay as they are. */
export function changeOf(before: object, after: object): Change {
  const at = (side: object, name: string) => stringify((side as Record<string, unknown>)[name]);
  try {
    const changed = Object.keys({ ...before, ...after }).filter((name) => at(before, name) !== at(after, name));
    const only = (side: object) => Object.fromEntries(changed.map((name) => [name, (side as Record<string, unknown>)[name]]));
    const sides = { before: only(before), after: only(after) };
    return { ...stringify(sides).length < changeLengthMax && sides, changed: changed.slice(0, 200) };
  } catch {
    // Whoever makes the event will find that it cannot be written, and count it.
    return { before, after };
  }
}

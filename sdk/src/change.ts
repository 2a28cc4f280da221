import { stringify } from "./make-event.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What an update changed, by the names that differ: the two sides hold only those. */
export type Change = { readonly before?: object; readonly after?: object; readonly changed?: readonly string[] };

/** JSON characters of both sides together beyond which only the names are kept: an event's context is limited to 32 KiB. */
const changeLengthMax = 16_000;

/** The difference of two versions of an object, compared name by name by their JSON. Never throws: sides that have none stay as they are. */
export function changeOf(before: object, after: object): Change {
  try {
    // As JSON has them: what a document of a database consists of inside is nobody's business.
    const [old, young] = [before, after].map((side) => JSON.parse(stringify(side))) as [Fields, Fields];
    const changed = Object.keys({ ...old, ...young }).filter((name) => stringify(old[name]) !== stringify(young[name]));
    const only = (side: Fields) => Object.fromEntries(changed.map((name) => [name, side[name]]));
    const sides = { before: only(old), after: only(young) };
    return { ...stringify(sides).length < changeLengthMax && sides, changed: changed.slice(0, 200) };
  } catch {
    // Whoever makes the event will find that it cannot be written, and count it.
    return { before, after };
  }
}

import type { StoredEvent } from "../../sdk/src/query.ts";
import { tablePrinter, terminalWidth } from "./table.ts";

/** Prints events one a line: for people as a table, for programs as they came, one JSON object a line. */
export function eventPrinter(isJson: boolean) {
  const table = tablePrinter<StoredEvent>([
    { title: "TIME (UTC)", least: 19, share: 0, text: ({ occurred_at }) => occurred_at.slice(0, 19).replace("T", " ") },
    { title: "RESULT", least: 7, share: 0, text: ({ result }) => result },
    { title: "EVENT", least: 12, share: 2, text: ({ event_type }) => event_type },
    { title: "ACTOR", least: 8, share: 2, text: ({ actor_id }) => actor_id ?? "-" },
    {
      title: "OBJECT",
      least: 8,
      share: 2,
      text: ({ object_type, object_id }) => [object_type, object_id].filter((part) => part !== undefined).join(" ") || "-",
    },
  ], terminalWidth());
  let isFirst = true;
  return (event: StoredEvent): void => {
    if (isJson) return console.log(JSON.stringify(event));
    if (isFirst) console.log(table.header());
    isFirst = false;
    console.log(table.row(event));
  };
}

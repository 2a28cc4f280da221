import { closeSync, openSync, writeSync } from "node:fs";
import type { Refusal } from "../../../core/import.ts";
import { type ImportReport, shortRefusals, wordedForImport } from "./report.ts";

/** What was refused: the first of it for the report, all of it in a file if one was asked for. */
export type Refusals = { readonly add: (refusals: readonly Refusal[]) => void; readonly first: () => ImportReport["refused"]; readonly close: () => void };

export function openRefusals(file: string | undefined): Refusals {
  const handle = file === undefined ? undefined : openSync(file, "wx", 0o600);
  let first: ImportReport["refused"] = [];
  return {
    add: (refusals) => {
      first = [...first, ...shortRefusals(refusals)].slice(0, 20);
      if (handle === undefined) return;
      for (const { item, errors } of refusals) {
        writeSync(handle, `${JSON.stringify({ place: item.label, errors: errors.map(wordedForImport), ..."event" in item ? { event: item.event } : {} })}\n`);
      }
    },
    first: () => first,
    close: () => void (handle === undefined || closeSync(handle)),
  };
}

import { readFileSync } from "node:fs";
import { type Catalogue, parseCatalogue } from "../core/catalogue.ts";
import type { Settings } from "./environment.ts";

/** The deployment's catalogue of event types, from a file or, where functions have none, from the setting itself; undefined when there is none. */
export function openCatalogue({ catalogue, catalogueMode }: Pick<Settings, "catalogue" | "catalogueMode">): Catalogue | undefined {
  if (catalogue === undefined) return undefined;
  return parseCatalogue(catalogue.trimStart().startsWith("{") ? catalogue : readFileSync(catalogue, "utf8"), catalogueMode);
}

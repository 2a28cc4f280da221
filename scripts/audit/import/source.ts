import type { ImportItem } from "../../../core/import.ts";

/** How a source is read. */
export const importFormats = ["ndjson", "csv", "cloudtrail", "audit_events", "record_version"] as const;
export type ImportFormat = (typeof importFormats)[number];

/** Something to import from. */
export type ImportSource = {
  readonly format: ImportFormat;
  /** What people and the log call it; no credentials. */
  readonly name: string;
  /** What makes it the same source at the next run: its content, or where it stands. */
  readonly fingerprint: string;
  /** What tells ids derived from its records from those of another source with the same numbers; "" where records are told apart by their content. */
  readonly origin: string;
  /** Its records after `place`, or from the front. */
  items(place: string | undefined): AsyncIterable<ImportItem>;
  /** How many records it has, as far as that can be said after `done` of them. */
  expected(done: number): number;
  close(): Promise<void>;
};

import type { Json } from "./event.ts";
import type { EventRow, InsertOutcome } from "./ports.ts";

/** An import as the log knows it. `place` is how far its source is stored; undefined before the first batch. */
export type ImportState = { readonly place: string | undefined; readonly counts: { readonly [name: string]: Json }; readonly finishedAt: string | undefined };

/** One step of an import: from where it is, to where it is when `rows` are stored. No two rows have the same key. */
export type ImportStep = { readonly importId: string; readonly from: string | undefined; readonly to: string | undefined; readonly rows: readonly EventRow[] };

/** What is written down together with a step's rows. */
export type ImportMark = { readonly counts: { readonly [name: string]: Json }; readonly finished: boolean };

/**
 * Where imported events go. A promise that resolves has committed; one that rejects has stored nothing of the step, or, when the connection broke during
 * COMMIT, leaves it to `begin` to say. Throws `conflict` when another process goes on with the same import, `unavailable` when the database is away,
 * `forbidden` for a login that may not import.
 */
export type ImportStore = {
  /** Begins an import or finds it as it was left; `again` makes it begin from the front. */
  begin(about: ImportIdentity, again: boolean): Promise<ImportState>;
  /** Stores a step. `judge` gets what was not inserted and says what to write down; it is asked before COMMIT. */
  store(step: ImportStep, judge: (outcome: InsertOutcome) => ImportMark): Promise<void>;
  /** UTC days (`YYYY-MM-DD`) that take no more events. */
  closedDays(): Promise<ReadonlySet<string>>;
};

/** What makes an import the same import. `source` names no credentials. */
export type ImportIdentity = { readonly id: string; readonly tenantId: string | undefined; readonly source: string; readonly format: string };

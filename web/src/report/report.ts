import { literal } from "../events/query-text.ts";
import type { View } from "../view-state.ts";

/** The answer of `GET /reports/compliance`. Each figure has its `query` beside it. */
export type Report = {
  readonly tenant_id: string;
  readonly from: string;
  readonly to: string;
  readonly fresh_as_of: string;
  readonly created_by: string;
  readonly record: { readonly id: string; readonly occurred_at: string };
  readonly events: { readonly total: number; readonly by_type: readonly TypeFigure[]; readonly has_more_types: boolean };
  readonly access: { readonly by_principal: readonly AccessFigure[]; readonly has_more: boolean };
  readonly seal: {
    readonly tree_size: number;
    readonly sealed: number;
    readonly not_yet_sealed: number;
    readonly changed_before_sealing: number;
    readonly tree_problem: string | null;
  };
  readonly verification: {
    readonly outcome: "verified" | "tampered" | "nothing_signed";
    readonly message: string;
    readonly checkpoint?: { readonly size: number; readonly signed_at: string; readonly verifier_key: string; readonly root: string };
  };
  /** There was no time for all archived events: figures are of those from `archived_counted_from` on. */
  readonly partial?: true;
  readonly archived_counted_from?: string;
  readonly deletions: { readonly events: number };
  readonly retention: { readonly hot_days: number; readonly retention_years: number; readonly is_default: boolean };
  readonly holds: {
    readonly active: number;
    readonly placed: number;
    readonly placed_query: string;
    readonly released: number;
    readonly released_query: string;
  };
  readonly archives: { readonly days: number; readonly rows: number; readonly bytes: number; readonly held: number; readonly expired: number };
};

export type TypeFigure = { readonly event_type: string; readonly success: number; readonly failure: number; readonly warning: number; readonly query: string };
export type AccessFigure = {
  readonly principal: string;
  readonly event_type: string;
  readonly count: number;
  readonly rows: number;
  readonly last_at: string;
  readonly query: string;
};

/** The view that shows what the API's `query` asks for: the figure's own events. */
export function viewOfQuery(query: string): Partial<View> {
  const parameters = new URLSearchParams(query.slice(query.indexOf("?") + 1));
  const type = parameters.get("event_type");
  const terms = [type === null ? "" : `action:${literal(type)}`, parameters.get("q") ?? ""].filter((term) => term !== "");
  return { page: "events", q: terms.join(" "), range: "custom", from: parameters.get("from") ?? undefined, to: parameters.get("to") ?? undefined };
}

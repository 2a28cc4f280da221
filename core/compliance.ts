import type { Json } from "./event.ts";
import { openCheckpoint, originOf } from "./format/checkpoint.ts";
import { toHex } from "./format/hex.ts";
import { parseVerifierKey } from "./format/signed-note.ts";
import { rootFromTiles, TileFault } from "./format/tiles.ts";
import type { Sha256 } from "./ports.ts";
import type { ProofStore } from "./proofs.ts";
import type { Filter } from "./query-filter.ts";

export type EventFigure = { readonly event_type: string; readonly success: number; readonly failure: number; readonly warning: number };
export type AccessFigure = { readonly principal: string; readonly event_type: string; readonly count: number; readonly rows: number; readonly last_at: string };

/** What is counted for a report. Lists are cut at `limits.reportRowsMax`, and say so. */
export type ReportFigures = {
  readonly total: number;
  readonly events: readonly EventFigure[];
  readonly moreTypes: boolean;
  readonly accesses: readonly AccessFigure[];
  readonly moreAccesses: boolean;
  readonly unsealed: number;
  readonly problems: number;
  readonly treeProblem: string | undefined;
  readonly freshAsOf: string;
  readonly custody: CustodyFigures;
  /** Set where there was no time for all archived events of the window: those before this moment are not counted. */
  readonly archivedFrom: string | undefined;
};

/** What Postgres counts of events: what is archived comes on top. */
export type HotFigures = Omit<ReportFigures, "custody" | "archivedFrom">;

/** How a tenant's events are kept. Holds are counted now and by what became of them in the window, archives and deletions by the days of the window. */
export type CustodyFigures = {
  readonly policyYears: number | undefined;
  readonly deletedEvents: number;
  readonly holds: { readonly active: number; readonly placed: number; readonly released: number };
  readonly archives: { readonly days: number; readonly rows: number; readonly bytes: number; readonly held: number; readonly expired: number };
};

/** What verification found: the newest checkpoint, and whether its signature and the stored tree agree with it. */
export type Verification = {
  readonly outcome: "verified" | "tampered" | "nothing_signed";
  readonly message: string;
  readonly checkpoint?: { readonly size: number; readonly signed_at: string; readonly verifier_key: string; readonly root: string; readonly note: string };
};

/**
 * Checks the newest checkpoint of a tenant: signed by a key that signs here, of this tenant's log, and of the root that the stored tiles have. This is the
 * service's own word; whoever must not believe it runs the independent checker with a key and checkpoint of their own. Throws what `store` throws.
 */
export async function verifyNewest(store: Pick<ProofStore, "checkpoint" | "keys" | "tiles">, sha256: Sha256, tenantId: string): Promise<Verification> {
  const newest = await store.checkpoint(tenantId);
  if (newest === undefined) return { outcome: "nothing_signed", message: "no checkpoint has been signed yet" };
  const found = { size: newest.size, signed_at: newest.signedAt, verifier_key: newest.verifierKey, note: newest.note };
  const key = (await store.keys()).find(({ verifierKey }) => verifierKey === newest.verifierKey);
  const opened = await parseVerifierKey(newest.verifierKey).then((verifier) => openCheckpoint(newest.note, verifier)).catch(() => undefined);
  if (opened === undefined) return { outcome: "tampered", message: "the newest checkpoint is not what its key has signed", checkpoint: { ...found, root: "" } };
  const checkpoint = { ...found, root: toHex(opened.root) };
  const isOurs = key !== undefined && opened.size === newest.size && opened.origin === originOf(key.logOrigin, tenantId);
  if (!isOurs) return { outcome: "tampered", message: "the newest checkpoint is not of this tenant's log and size", checkpoint };
  const root = await rootFromTiles(sha256, (wanted) => store.tiles(tenantId, wanted), opened.size).catch((fault: unknown) => {
    // A database that was too slow to answer has not been tampered with.
    if (fault instanceof TileFault) return undefined;
    throw fault;
  });
  if (root === undefined) return { outcome: "tampered", message: "tiles of the stored tree are missing", checkpoint };
  if (toHex(root) !== checkpoint.root) return { outcome: "tampered", message: "the stored tree does not have the signed root", checkpoint };
  return { outcome: "verified", message: "the signature is good and the stored tree has the signed root", checkpoint };
}

/** Settings that a report states. */
export type ReportSettings = { readonly hotDays: number; readonly retentionYears: number };

/** The report as JSON. Every figure has the question behind it beside it, relative to the report's own address. */
export function reportOf(
  filter: Filter,
  figures: ReportFigures,
  verification: Verification,
  treeSize: number,
  settings: ReportSettings,
): { readonly [key: string]: Json } {
  const ask = (route: string, parameters: Readonly<Record<string, string>> = {}) =>
    `../${route}?${new URLSearchParams({ tenant_id: filter.tenantId, from: filter.from, to: filter.to, ...parameters })}`;
  const tenant = new URLSearchParams({ tenant_id: filter.tenantId });
  const { custody } = figures;
  return {
    tenant_id: filter.tenantId,
    from: filter.from,
    to: filter.to,
    fresh_as_of: figures.freshAsOf,
    ...figures.archivedFrom === undefined ? {} : { partial: true, archived_counted_from: figures.archivedFrom },
    events: {
      total: figures.total,
      query: ask("stats"),
      by_type: figures.events.map((figure) => ({ ...figure, query: ask("events", { event_type: figure.event_type }) })),
      has_more_types: figures.moreTypes,
    },
    access: {
      by_principal: figures.accesses.map((figure) => ({
        ...figure,
        query: ask("events", { q: `principal:${quoted(figure.principal)} action:${figure.event_type}` }),
      })),
      has_more: figures.moreAccesses,
      query: ask("events", { q: "action:audit.* source:audit-events" }),
    },
    seal: {
      tree_size: treeSize,
      // Deleted events are hidden from the total, and stay in the tree.
      sealed: figures.total + custody.deletedEvents - figures.unsealed - figures.problems,
      not_yet_sealed: figures.unsealed,
      changed_before_sealing: figures.problems,
      tree_problem: figures.treeProblem ?? null,
      query: `../checkpoints?${tenant}`,
    },
    verification: { ...verification, query: `../checkpoints/latest?${tenant}` },
    deletions: { events: custody.deletedEvents, query: ask("stats", { include_deleted: "true" }) },
    retention: {
      hot_days: settings.hotDays,
      retention_years: custody.policyYears ?? settings.retentionYears,
      is_default: custody.policyYears === undefined,
      query: `../retention?${tenant}`,
    },
    holds: {
      active: custody.holds.active,
      query: `../holds?${tenant}&status=active`,
      placed: custody.holds.placed,
      placed_query: ask("events", { event_type: "audit.hold.placed" }),
      released: custody.holds.released,
      released_query: ask("events", { event_type: "audit.hold.released" }),
    },
    archives: { ...custody.archives, query: `../archives?${tenant}&from=${filter.from.slice(0, 10)}&to=${filter.to.slice(0, 10)}` },
  };
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

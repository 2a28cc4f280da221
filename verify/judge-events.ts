import { equalBytes } from "./bytes.ts";
import { changedColumn } from "./diagnose.ts";
import { type EventRecord, rebuiltLeafHash } from "./leaf.ts";
import type { Finding, FindingList } from "./report.ts";
import type { Hash } from "./sha256.ts";
import type { LogSource, StoredEvent } from "./source.ts";
import type { TreeCheck } from "./tree-check.ts";
import { recordsOf, type Suspicion, suspicionsMax, type Walk } from "./walk.ts";

export type WalkedTree = { readonly walk: Walk; readonly outcome: ReturnType<TreeCheck["finish"]> };

/**
 * Says what became of each event that is not as it was sealed, first by the order of insertion. A place whose event is gone and an event without a
 * place may be one: a row whose tenant, time, id or seq was changed.
 */
export async function judgeEvents(
  hash: Hash,
  source: LogSource,
  trees: readonly WalkedTree[],
  strays: readonly StoredEvent[],
  strayCount: number,
  differing: readonly StoredEvent[],
  findings: FindingList,
): Promise<void> {
  const unclaimed = new Set(strays);
  const judged: { readonly seq: number; readonly finding: Finding }[] = [];
  for (const { walk, outcome } of trees) {
    // Two trees were grown: if the one over the events has the newest signed root, the tiles were changed and the events were not.
    const newest = outcome.mismatches.findLast(({ fault }) => fault === "other_root");
    const areEventsSigned = newest?.eventsAreSigned ?? false;
    for (const suspected of walk.suspicions) {
      const suspicion = inItsPlace(hash, walk, suspected, unclaimed);
      if (suspicion === undefined) continue;
      const finding = suspicion.stored === undefined
        ? findMoved(walk, suspicion, unclaimed) ?? await findElsewhere(source, walk, suspicion)
        : judgePresent(hash, walk, suspicion, suspicion.stored, areEventsSigned);
      judged.push({ seq: suspicion.place.seq, finding });
    }
    const more = walk.suspicionCount - suspicionsMax;
    if (more > 0) judged.push({ seq: walk.lastSeq, finding: { kind: "event_changed", tenant_id: walk.claims.tenantId, message: `${more} more events` } });
    for (const { seq, occurredAt, id } of walk.claims.sealProblems) {
      const message = "differed from its leaf hash before it was sealed, as the sealer recorded";
      judged.push({ seq, finding: { kind: "event_differs_unsealed", tenant_id: walk.claims.tenantId, id, occurred_at: occurredAt, message } });
    }
  }
  for (const stray of unclaimed) {
    judged.push({ seq: stray.seq, finding: { ...named(stray), kind: "event_added", message: "is in no tree: it was slipped in" } });
  }
  for (const stored of differing) {
    judged.push({
      seq: stored.seq,
      finding: { ...named(stored), kind: "event_differs_unsealed", message: "differs from its leaf hash, and is not sealed yet" },
    });
  }
  judged.sort((a, b) => a.seq - b.seq);
  for (const { finding } of judged) findings.add(finding);
  if (strayCount > strays.length) findings.add({ kind: "event_added", message: `${strayCount - strays.length} more events are in no tree` });
}

/**
 * Of two events with one seq the one that came first took the place. It is that of the event which the tile names: the other one is a stray then, and the
 * suspicion is the true event's, or undefined when nothing is wrong with it.
 */
function inItsPlace(hash: Hash, walk: Walk, suspicion: Suspicion, unclaimed: Set<StoredEvent>): Suspicion | undefined {
  const { place, stored } = suspicion;
  const isNamed = (event: StoredEvent) =>
    event.tenantId === walk.claims.tenantId && event.seq === place.seq && event.id === place.id && event.occurredAt === place.occurredAt;
  if (stored === undefined || isNamed(stored)) return suspicion;
  const named = [...unclaimed].find(isNamed);
  if (named === undefined) return suspicion;
  unclaimed.delete(named);
  unclaimed.add(stored);
  const rebuilt = rebuiltLeafHash(hash, named.event);
  const isSealed = rebuilt !== undefined && equalBytes(rebuilt, place.hash) && equalBytes(named.leafHash, place.hash);
  return isSealed ? undefined : { ...suspicion, stored: named, rebuilt };
}

function judgePresent(hash: Hash, walk: Walk, { place, rebuilt, others }: Suspicion, stored: StoredEvent, areEventsSigned: boolean): Finding {
  const at = { tenant_id: walk.claims.tenantId, index: place.index, id: place.id, occurred_at: place.occurredAt };
  if (areEventsSigned) return { kind: "tile_changed", ...at, message: "the tile holds another hash than the signed tree" };
  const column = columnOf(hash, place, stored, rebuilt, [...others, ...recordsOf(walk.recent)]);
  const what = column === undefined ? "is not as it was sealed" : `is not as it was sealed: ${column} was changed`;
  return { kind: "event_changed", ...at, ...(column === undefined ? {} : { column }), message: what };
}

function columnOf(
  hash: Hash,
  place: Suspicion["place"],
  stored: StoredEvent,
  rebuilt: Uint8Array | undefined,
  others: readonly EventRecord[],
): string | undefined {
  if (stored.occurredAt !== place.occurredAt) return "occurred_at";
  if (stored.id !== place.id) return "id";
  if (rebuilt !== undefined && equalBytes(rebuilt, place.hash)) return "leaf_hash";
  return changedColumn(hash, stored.event, place.hash, others);
}

/** The place's event under another key, if there is one among those that no tree names; it is then accounted for. */
function findMoved(walk: Walk, { place }: Suspicion, unclaimed: Set<StoredEvent>): Finding | undefined {
  const at = { tenant_id: walk.claims.tenantId, index: place.index, id: place.id, occurred_at: place.occurredAt };
  for (const stray of unclaimed) {
    if (stray.seq !== place.seq && stray.id !== place.id) continue;
    const differing = [
      ...(stray.tenantId === walk.claims.tenantId ? [] : ["tenant_id"]),
      ...(stray.occurredAt === place.occurredAt ? [] : ["occurred_at"]),
      ...(stray.id === place.id ? [] : ["id"]),
      ...(stray.seq === place.seq ? [] : ["seq"]),
    ];
    if (differing.length !== 1) continue;
    unclaimed.delete(stray);
    const column = differing[0] as string;
    return { kind: "event_changed", ...at, column, message: `is not where it was sealed: ${column} was changed` };
  }
  return undefined;
}

/** The event itself, put where no sealed event stands yet; or it is gone. */
async function findElsewhere(source: LogSource, walk: Walk, { place }: Suspicion): Promise<Finding> {
  const at = { tenant_id: walk.claims.tenantId, index: place.index, id: place.id, occurred_at: place.occurredAt };
  const found = await source.find(walk.claims.tenantId, place.occurredAt, place.id);
  if (found === undefined) return { kind: "event_missing", ...at, message: "is missing" };
  return { kind: "event_changed", ...at, column: "seq", message: "is not where it was sealed: seq was changed" };
}

function named(stored: StoredEvent): Pick<Finding, "tenant_id" | "id" | "occurred_at"> {
  return { tenant_id: stored.tenantId, id: stored.id, occurred_at: stored.occurredAt };
}

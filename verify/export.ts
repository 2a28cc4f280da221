import { fromBase64, toBase64 } from "./bytes.ts";
import { equalBytes } from "./bytes.ts";
import { openCheckpoint, tenantOf } from "./checkpoint.ts";
import { type EventRecord, leafHash, leafOf } from "./leaf.ts";
import type { VerifyOptions } from "./log.ts";
import { rootOfPath } from "./merkle.ts";
import { type Finding, findingList, type LogReport, type TenantReport } from "./report.ts";
import { type Hash, sha256 } from "./sha256.ts";
import { type ExpectedCheckpoint, type TreeCheck, treeCheck } from "./tree-check.ts";

/**
 * A line of an exported log, docs/format/seal.md "Exported log". An event carries its index; a whole log's events come in the order of the index,
 * so that the root can be recomputed. An event of a selection carries its audit path (`proof`) to the newest checkpoint instead.
 */
export type ExportLine =
  | { readonly event: EventRecord; readonly index: number; readonly proof?: readonly string[] }
  | { readonly checkpoint: string }
  | { readonly key: string }
  | { readonly rotation: string };

type ExportedTree = { readonly check: TreeCheck; readonly checkpoints: readonly ExpectedCheckpoint[]; next: number; proven: number };

/** Checks an exported log against the checkpoints it carries and those in `options`. A log without a valid checkpoint is not sound: nothing says so. */
export async function verifyExport(lines: AsyncIterable<ExportLine>, checkpoints: readonly string[], options: VerifyOptions): Promise<LogReport> {
  const hash = options.hash ?? sha256;
  const findings = findingList();
  for (const fault of options.ring.faults) findings.add({ kind: "key_invalid", message: fault });
  const trees = await openTrees(checkpoints, options, hash, findings.add);
  let events = 0;
  for await (const line of lines) {
    if (!("event" in line)) continue;
    events++;
    const tenantId = String(line.event["tenant_id"]);
    const tree = trees.get(tenantId);
    const at = { tenant_id: tenantId, index: line.index, id: String(line.event["id"]), occurred_at: String(line.event["occurred_at"]) };
    if (tree === undefined) findings.add({ kind: "event_added", ...at, message: "is of a tenant that no checkpoint names" });
    else if (line.proof !== undefined) checkPath(hash, tree, line, at, findings.add);
    else checkNext(hash, tree, line, at, findings.add);
    if (events % 1000 === 0) options.progress?.(events);
  }
  options.progress?.(events);
  const tenants = Array.from(trees, ([tenantId, tree]) => closeTree(tenantId, tree, findings.add));
  const first = findings.kept.find((finding) => finding.id !== undefined);
  const bad = first === undefined ? {} : { first_bad_event: first };
  return { sound: findings.count() === 0, events, unsealed: 0, tenants, ...bad, findings: findings.kept, finding_count: findings.count() };
}

type At = Pick<Finding, "tenant_id" | "index" | "id" | "occurred_at">;
type Add = (finding: Finding) => void;

/** An event of a whole log: the next leaf of its tenant's tree. */
function checkNext(hash: Hash, tree: ExportedTree, { event, index }: { readonly event: EventRecord; readonly index: number }, at: At, add: Add): void {
  if (index < tree.next) return add({ kind: "event_added", ...at, message: "stands twice, or out of order" });
  if (index > tree.next) add({ kind: "event_missing", ...at, index: tree.next, message: `events ${tree.next} to ${index - 1} are missing before this one` });
  tree.next = index + 1;
  try {
    tree.check.add(leafHash(hash, leafOf(event)));
  } catch {
    add({ kind: "event_changed", ...at, message: "has a value that no leaf can hold" });
  }
}

/** An event of a selection: its audit path must lead to the newest checkpoint's root. */
function checkPath(
  hash: Hash,
  tree: ExportedTree,
  line: { readonly event: EventRecord; readonly index: number; readonly proof?: readonly string[] },
  at: At,
  add: Add,
): void {
  const newest = tree.checkpoints.findLast((checkpoint) => checkpoint.from === "log");
  const path = (line.proof ?? []).map(fromBase64);
  tree.proven++;
  try {
    const leaf = leafHash(hash, leafOf(line.event));
    const isWhole = newest !== undefined && path.every((node) => node !== undefined);
    const root = isWhole ? rootOfPath(hash, leaf, line.index, newest.size, path) : undefined;
    if (root !== undefined && newest !== undefined && equalBytes(root, newest.root)) return;
  } catch {
    // Falls through: an event that has no leaf is not the one that was sealed.
  }
  add({ kind: "event_changed", ...at, message: "its audit path does not lead to the signed root" });
}

async function openTrees(notes: readonly string[], options: VerifyOptions, hash: Hash, add: Add): Promise<ReadonlyMap<string, ExportedTree>> {
  const byTenant = new Map<string, ExpectedCheckpoint[]>();
  const keep = (checkpoint: ExpectedCheckpoint) => {
    const tenantId = tenantOf(checkpoint.origin);
    if (tenantId === undefined) throw new Error(`open checkpoint: origin: ${checkpoint.origin} is no tenant's`);
    byTenant.set(tenantId, [...byTenant.get(tenantId) ?? [], checkpoint].sort((a, b) => a.size - b.size));
  };
  for (const note of notes) {
    await openCheckpoint(note, options.ring).then(
      (checkpoint) => keep({ ...checkpoint, from: "log" }),
      (fault: Error) => add({ kind: "checkpoint_invalid", message: fault.message }),
    );
  }
  for (const note of options.expected ?? []) keep({ ...await openCheckpoint(note, options.ring), from: "elsewhere" });
  return new Map(Array.from(byTenant, ([tenantId, checkpoints]) => [tenantId, { check: treeCheck(hash, checkpoints), checkpoints, next: 0, proven: 0 }]));
}

function closeTree(tenantId: string, tree: ExportedTree, add: Add): TenantReport {
  const outcome = tree.check.finish();
  const own = tree.checkpoints.filter((checkpoint) => checkpoint.from === "log");
  const newest = own.at(-1);
  let count = 0;
  const report = (kind: Finding["kind"], message: string) => {
    count++;
    add({ kind, tenant_id: tenantId, message });
  };
  // A selection is no whole log: its roots cannot be recomputed, and each of its events was proven by itself.
  const isSelection = tree.proven > 0 && outcome.size === 0;
  for (const { checkpoint, fault, soundUpTo } of isSelection ? [] : outcome.mismatches) {
    if (fault === "too_small") report("rolled_back", `the export has ${outcome.size} events, a checkpoint states ${checkpoint.size}`);
    else {report(
        "checkpoint_differs",
        `the root of ${checkpoint.size} leaves is another: the first change is at an index from ${soundUpTo} to ${checkpoint.size - 1}`,
      );}
  }
  if (!isSelection && outcome.size > (newest?.size ?? 0)) report("tree_changed", `events from ${newest?.size ?? 0} on are in no checkpoint`);
  const signed = newest === undefined ? {} : { signed_at: newest.signedAt.toISOString() };
  return { tenant_id: tenantId, size: outcome.size + tree.proven, root: toBase64(outcome.root), checkpoints: outcome.met, ...signed, findings: count };
}

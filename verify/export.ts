import { equalBytes, fromBase64, toBase64, toHex } from "./bytes.ts";
import { type Checkpoint, openCheckpoint, tenantOf } from "./checkpoint.ts";
import { type EventRecord, leafHash, leafOf } from "./leaf.ts";
import type { VerifyOptions } from "./log.ts";
import { growingTree, rootOfPath } from "./merkle.ts";
import { type Finding, type FindingList, findingList, type LogReport, type TenantReport } from "./report.ts";
import { type Hash, sha256 } from "./sha256.ts";

/**
 * A line of an exported log: an event with its `leaf_hash` and `log_index`, in any order, perhaps with the audit path (`proof`, Base 64) to the
 * newest checkpoint; or, alone on its line, a `checkpoint`, a `key` or a `rotation`.
 */
export type ExportLine = EventRecord;

/** Leaves of one tenant by their index, as they come: 33 bytes each. */
type Leaves = { hashes: Uint8Array; isThere: Uint8Array; count: number; readonly proven: Set<number>; events: number };

/**
 * Checks an export against checkpoints: those among its lines and those in `options`. Events that carry no audit path can be proven only together:
 * every leaf below a checkpoint's size must be there, for its root to be recomputed. What cannot be proven is counted as `unproven`, and is neither
 * sound nor tampered: a selection lacks events by right.
 */
export async function verifyExport(lines: AsyncIterable<ExportLine>, checkpoints: readonly string[], options: VerifyOptions): Promise<LogReport> {
  const hash = options.hash ?? sha256;
  const findings = findingList();
  for (const fault of options.ring.faults) findings.add({ kind: "key_invalid", message: fault });
  const signed = await openAll(checkpoints, options, findings);
  const tenants = new Map<string, Leaves>();
  let events = 0;
  for await (const line of lines) {
    if (!("tenant_id" in line)) continue;
    events++;
    checkEvent(hash, line, tenants, signed.get(String(line["tenant_id"])) ?? [], findings);
    if (events % 1000 === 0) options.progress?.(events);
  }
  options.progress?.(events);
  let unproven = 0;
  const reports = Array.from(tenants, ([tenantId, leaves]) => {
    const { report, provenCount } = closeTenant(hash, tenantId, leaves, signed.get(tenantId) ?? [], findings);
    unproven += leaves.events - provenCount;
    return report;
  });
  const first = findings.kept.find((finding) => finding.id !== undefined);
  const bad = first === undefined ? {} : { first_bad_event: first };
  const counts = { events, unsealed: 0, unproven, finding_count: findings.count() };
  return { sound: findings.count() === 0 && unproven === 0, tenants: reports, ...bad, findings: findings.kept, ...counts };
}

function checkEvent(hash: Hash, line: ExportLine, tenants: Map<string, Leaves>, checkpoints: readonly Checkpoint[], findings: FindingList): void {
  const { log_index: index, leaf_hash: claimed, proof, ...event } = line;
  const tenantId = String(event["tenant_id"]);
  const at = { tenant_id: tenantId, id: String(event["id"]), occurred_at: String(event["occurred_at"]), ...(typeof index === "number" ? { index } : {}) };
  const add = (message: string) => findings.add({ kind: "event_changed", ...at, message });
  const leaves = tenants.get(tenantId) ?? { hashes: new Uint8Array(0), isThere: new Uint8Array(0), count: 0, proven: new Set(), events: 0 };
  tenants.set(tenantId, leaves);
  leaves.events++;
  let leaf: Uint8Array;
  try {
    leaf = leafHash(hash, leafOf(event));
  } catch {
    return add("has a value that no leaf can hold");
  }
  if (claimed !== undefined && toHex(leaf) !== claimed) add("does not have the leaf hash that stands with it");
  // Not sealed when it was exported.
  if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0) return;
  if (Array.isArray(proof)) {
    const newest = checkpoints.at(-1);
    const path = proof.map((node) => fromBase64(String(node)));
    const root = newest !== undefined && path.every((node) => node !== undefined) ? rootOfPath(hash, leaf, index, newest.size, path) : undefined;
    if (root === undefined || newest === undefined || !equalBytes(root, newest.root)) return add("its audit path does not lead to the signed root");
    leaves.proven.add(index);
  }
  place(leaves, index, leaf) || add("another event has the same index");
}

/** Puts a leaf at its place; false when another stands there. Rooms grow by doubling, bounded by the largest index that a file can name. */
function place(leaves: Leaves, index: number, leaf: Uint8Array): boolean {
  if (index >= leaves.isThere.length) {
    const room = Math.max(1024, leaves.isThere.length * 2, index + 1);
    if (room > 2 ** 27) throw new Error(`verify export: index ${index}: is more than can be held`);
    const hashes = new Uint8Array(room * 32);
    const isThere = new Uint8Array(room);
    hashes.set(leaves.hashes);
    isThere.set(leaves.isThere);
    leaves.hashes = hashes;
    leaves.isThere = isThere;
  }
  if (leaves.isThere[index] === 1) return false;
  leaves.isThere[index] = 1;
  leaves.hashes.set(leaf, index * 32);
  leaves.count++;
  return true;
}

/** Recomputes the roots of all checkpoints below which nothing is missing; how many events are thereby, or by their own path, proven. */
function closeTenant(hash: Hash, tenantId: string, leaves: Leaves, checkpoints: readonly Checkpoint[], findings: FindingList) {
  const tree = growingTree(hash);
  const before = findings.count();
  let met = 0;
  let soundUpTo = 0;
  for (const checkpoint of checkpoints) {
    while (tree.size < checkpoint.size && leaves.isThere[tree.size] === 1) tree.add(leaves.hashes.slice(tree.size * 32, tree.size * 32 + 32));
    if (tree.size < checkpoint.size) break;
    if (equalBytes(tree.root(), checkpoint.root)) {
      met++;
      soundUpTo = checkpoint.size;
      continue;
    }
    const where = `the first change is at an index from ${soundUpTo} to ${checkpoint.size - 1}`;
    findings.add({ kind: "checkpoint_differs", tenant_id: tenantId, message: `the root of ${checkpoint.size} leaves is another: ${where}` });
  }
  const provenCount = soundUpTo + [...leaves.proven].filter((index) => index >= soundUpTo).length;
  const newest = checkpoints.at(-1);
  const signedAt = newest === undefined ? {} : { signed_at: newest.signedAt.toISOString() };
  const counts = { size: leaves.count, checkpoints: met, findings: findings.count() - before };
  const report: TenantReport = { tenant_id: tenantId, root: toBase64(tree.root()), ...signedAt, ...counts };
  return { report, provenCount };
}

/** Every validly signed checkpoint by tenant, smallest first. Those that were kept elsewhere must be valid: they are what is compared with. */
async function openAll(notes: readonly string[], options: VerifyOptions, findings: FindingList): Promise<ReadonlyMap<string, readonly Checkpoint[]>> {
  const byTenant = new Map<string, Checkpoint[]>();
  const keep = (checkpoint: Checkpoint) => {
    const tenantId = tenantOf(checkpoint.origin);
    if (tenantId === undefined) throw new Error(`open checkpoint: origin: ${checkpoint.origin} is no tenant's`);
    byTenant.set(tenantId, [...byTenant.get(tenantId) ?? [], checkpoint].sort((a, b) => a.size - b.size));
  };
  const invalid = (fault: Error): Finding => ({ kind: "checkpoint_invalid", message: fault.message });
  for (const note of notes) await openCheckpoint(note, options.ring).then(keep, (fault: Error) => findings.add(invalid(fault)));
  for (const note of options.expected ?? []) keep(await openCheckpoint(note, options.ring));
  return byTenant;
}

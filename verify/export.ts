import { equalBytes, fromBase64, toBase64, toHex } from "./bytes.ts";
import { type Checkpoint, openCheckpoint, tenantOf } from "./checkpoint.ts";
import { type EventRecord, rebuiltLeafHash } from "./leaf.ts";
import { addFaults, type VerifyOptions } from "./log.ts";
import { growingTree, rootOfPath } from "./merkle.ts";
import { type Finding, type FindingList, findingList, type LogReport, type TenantReport } from "./report.ts";
import { type Hash, sha256 } from "./sha256.ts";

/**
 * A line of an exported log: an event with its `leaf_hash` and `log_index`, in any order, perhaps with the audit path (`proof`, Base 64) to the
 * newest checkpoint; or, alone on its line, a `checkpoint`, a `key` or a `rotation`.
 */
export type ExportLine = EventRecord;

/** Leaves of one tenant by their index, as they come: some that stand together in one room, so that a whole log takes 33 bytes a leaf and a few events of a long one little. */
type Leaves = { readonly rooms: Map<number, Uint8Array>; count: number; readonly proven: Set<number>; events: number };

/** Checkpoints of a tenant, smallest first, and the newest of those that came with the export. */
type Signed = { readonly all: readonly Checkpoint[]; readonly own: Checkpoint | undefined };
const nothingSigned: Signed = { all: [], own: undefined };

/**
 * Checks an export against checkpoints: those among its lines and those in `options`. Events that carry no audit path can be proven only together:
 * every leaf below a checkpoint's size must be there, for its root to be recomputed. What cannot be proven is counted as `unproven`, and is neither
 * sound nor tampered: a selection lacks events by right.
 */
export async function verifyExport(lines: AsyncIterable<ExportLine>, checkpoints: readonly string[], options: VerifyOptions): Promise<LogReport> {
  const hash = options.hash ?? sha256;
  const findings = findingList();
  addFaults(options, findings);
  const signed = await openAll(checkpoints, options, findings);
  const tenants = new Map<string, Leaves>();
  let events = 0;
  for await (const line of lines) {
    if (!("tenant_id" in line)) continue;
    events++;
    checkEvent(hash, line, tenants, signed.get(String(line["tenant_id"])) ?? nothingSigned, findings);
    if (events % 1000 === 0) options.progress?.(events);
  }
  options.progress?.(events);
  let unproven = 0;
  const reports = Array.from(tenants, ([tenantId, leaves]) => {
    const { report, provenCount } = closeTenant(hash, tenantId, leaves, signed.get(tenantId)?.all ?? [], findings);
    unproven += leaves.events - provenCount;
    return report;
  });
  const first = findings.kept.find((finding) => finding.id !== undefined);
  const bad = first === undefined ? {} : { first_bad_event: first };
  const counts = { events, unsealed: 0, unproven, finding_count: findings.count() };
  return { sound: findings.count() === 0 && unproven === 0, tenants: reports, ...bad, findings: findings.kept, ...counts };
}

function checkEvent(hash: Hash, line: ExportLine, tenants: Map<string, Leaves>, signed: Signed, findings: FindingList): void {
  const { log_index: index, leaf_hash: claimed, proof, ...event } = line;
  const tenantId = String(event["tenant_id"]);
  const at = { tenant_id: tenantId, id: String(event["id"]), occurred_at: String(event["occurred_at"]), ...(typeof index === "number" ? { index } : {}) };
  const add = (message: string) => findings.add({ kind: "event_changed", ...at, message });
  const leaves = tenants.get(tenantId) ?? { rooms: new Map(), count: 0, proven: new Set(), events: 0 };
  tenants.set(tenantId, leaves);
  leaves.events++;
  const leaf = rebuiltLeafHash(hash, event);
  if (leaf === undefined) return add("has a value that no leaf can hold");
  if (claimed !== undefined && toHex(leaf) !== claimed) add("does not have the leaf hash that stands with it");
  // Not sealed when it was exported.
  if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0) return;
  if (Array.isArray(proof)) {
    // Not of those kept elsewhere: one that was signed after the export says nothing of its paths.
    const newest = signed.own ?? signed.all.at(-1);
    const path = proof.map((node) => fromBase64(String(node)));
    const root = newest !== undefined && path.every((node) => node !== undefined) ? rootOfPath(hash, leaf, index, newest.size, path) : undefined;
    if (root === undefined || newest === undefined || !equalBytes(root, newest.root)) return add("its audit path does not lead to the signed root");
    leaves.proven.add(index);
  }
  place(leaves, index, leaf) || add("another event has the same index");
}

/** Leaves of a room; behind their hashes it has a byte for each that is there. */
const roomLeaves = 32;

/** Puts a leaf at its place; false when another stands there. */
function place(leaves: Leaves, index: number, leaf: Uint8Array): boolean {
  const number = Math.floor(index / roomLeaves);
  const at = index % roomLeaves;
  const room = leaves.rooms.get(number) ?? new Uint8Array(roomLeaves * 33);
  if (room[roomLeaves * 32 + at] === 1) return false;
  leaves.rooms.set(number, room);
  room[roomLeaves * 32 + at] = 1;
  room.set(leaf, at * 32);
  leaves.count++;
  return true;
}

function leafAt({ rooms }: Leaves, index: number): Uint8Array | undefined {
  const room = rooms.get(Math.floor(index / roomLeaves));
  const at = index % roomLeaves;
  return room?.[roomLeaves * 32 + at] === 1 ? room.slice(at * 32, at * 32 + 32) : undefined;
}

/** Recomputes the roots of all checkpoints below which nothing is missing; how many events are thereby, or by their own path, proven. */
function closeTenant(hash: Hash, tenantId: string, leaves: Leaves, checkpoints: readonly Checkpoint[], findings: FindingList) {
  const tree = growingTree(hash);
  const before = findings.count();
  let met = 0;
  let soundUpTo = 0;
  for (const checkpoint of checkpoints) {
    for (let leaf = leafAt(leaves, tree.size); leaf !== undefined && tree.size < checkpoint.size; leaf = leafAt(leaves, tree.size)) tree.add(leaf);
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
async function openAll(notes: readonly string[], options: VerifyOptions, findings: FindingList): Promise<ReadonlyMap<string, Signed>> {
  const byTenant = new Map<string, Signed>();
  const keep = (checkpoint: Checkpoint, isOwn: boolean) => {
    const tenantId = tenantOf(checkpoint.origin);
    if (tenantId === undefined) throw new Error(`open checkpoint: origin: ${checkpoint.origin} is no tenant's`);
    const { all, own } = byTenant.get(tenantId) ?? nothingSigned;
    const isNewest = isOwn && checkpoint.size >= (own?.size ?? 0);
    byTenant.set(tenantId, { all: [...all, checkpoint].sort((a, b) => a.size - b.size), own: isNewest ? checkpoint : own });
  };
  const invalid = (fault: Error): Finding => ({ kind: "checkpoint_invalid", message: fault.message });
  for (const note of notes) await openCheckpoint(note, options.ring).then((opened) => keep(opened, true), (fault: Error) => findings.add(invalid(fault)));
  for (const note of options.expected ?? []) keep(await openCheckpoint(note, options.ring), false);
  return byTenant;
}

import { equalBytes, toBase64 } from "./bytes.ts";
import { type Checkpoint, openCheckpoint, tenantOf } from "./checkpoint.ts";
import { deletionCheck } from "./deletions.ts";
import { expiryCheck } from "./expired-days.ts";
import { judgeEvents } from "./judge-events.ts";
import { judgeTree } from "./judge-tree.ts";
import type { KeyRing } from "./keys.ts";
import { rebuiltLeafHash } from "./leaf.ts";
import { unpacked } from "./packed-event.ts";
import { passSealed } from "./pass-sealed.ts";
import { type FindingList, findingList, type LogReport } from "./report.ts";
import { type Hash, sha256 } from "./sha256.ts";
import type { LogSource, StoredCheckpoint, StoredEvent, TenantClaims } from "./source.ts";
import { type ExpectedCheckpoint, treeCheck } from "./tree-check.ts";
import { isAhead, isExpired, needsTiles, nextPlace, openWalk, readTiles, remember, step, suspect, type Walk } from "./walk.ts";

export type VerifyOptions = {
  readonly ring: KeyRing;
  /** Checkpoints kept outside the log: notes. Only they show a log that was rolled back together with its checkpoints. */
  readonly expected?: readonly string[];
  /** What is wrong with what was kept beside them: a finding each. */
  readonly faults?: readonly string[];
  readonly hash?: Hash;
  readonly progress?: (events: number) => void;
};

/** Events that no tree names, kept in full for the report. */
const straysMax = 1000;

/**
 * Checks a whole log: rebuilds every leaf from its event and every root from the leaves, and compares them with the tiles, with every signed
 * checkpoint and with `expected`. One pass over the events in seq order, merged with each tenant's tiles; memory grows with tenants, not with
 * events. Throws when an expected checkpoint is not one, or not signed by the ring: then nothing can be said.
 */
export async function verifyLog(source: LogSource, options: VerifyOptions): Promise<LogReport> {
  const hash = options.hash ?? sha256;
  const findings = findingList();
  addFaults(options, findings);
  const walks = await openWalks(source, options, hash, findings);
  const count = { events: 0, unsealed: 0, strays: 0 };
  const strays: StoredEvent[] = [];
  const differing: StoredEvent[] = [];
  const records = [deletionCheck(source.deletions), expiryCheck(source.expired)];
  for await (const page of source.events()) {
    for (const read of page) {
      count.events++;
      for (const record of records) record.see(read);
      const walk = walks.get(read.tenantId);
      // Places whose event did not come: it is gone, or stands elsewhere.
      if (walk !== undefined && isAhead(walk, read.seq)) await passMissing(source, walk, read.seq);
      if (walk !== undefined && "bytes" in read && passSealed(hash, walk, read)) continue;
      const stored = unpacked(read);
      const rebuilt = rebuiltLeafHash(hash, stored.event);
      if (walk !== undefined) {
        const place = nextPlace(walk);
        if (place?.seq === stored.seq) {
          const isSame = place.id === stored.id && place.occurredAt === stored.occurredAt && rebuilt !== undefined && equalBytes(rebuilt, place.hash);
          if (!isSame || !equalBytes(stored.leafHash, place.hash)) suspect(walk, { place, stored, rebuilt });
          step(walk, place, isSame ? undefined : rebuilt);
          if (place.index % 8 === 0 || !isSame) remember(walk, stored);
          continue;
        }
      }
      if (walk?.broken !== undefined || walk?.claims.treeProblem !== undefined) count.unsealed++;
      else if (stored.seq <= Math.max(source.sealedSeq, walk?.lastSeq ?? 0)) {
        if (walk?.claims.sealProblems.some((problem) => problem.seq === stored.seq)) continue;
        count.strays++;
        if (strays.length < straysMax) strays.push(stored);
      } else {
        count.unsealed++;
        if (rebuilt === undefined || !equalBytes(rebuilt, stored.leafHash)) differing.push(stored);
      }
    }
    options.progress?.(count.events);
  }
  for (const walk of walks.values()) await passMissing(source, walk, Number.POSITIVE_INFINITY);

  const trees = [...walks.values()].map((walk) => ({ walk, outcome: walk.tree.finish() }));
  await judgeEvents(hash, source, trees, strays, count.strays, differing, findings);
  for (const record of records) record.finish(findings);
  const tenants = [];
  for (const { walk, outcome } of trees) tenants.push(judgeTree(walk, outcome, await source.upperTiles(walk.claims.tenantId), findings));
  const first = findings.kept.find((finding) => finding.id !== undefined);
  return {
    sound: findings.count() === 0,
    events: count.events,
    unsealed: count.unsealed,
    ...(source.expired === undefined ? {} : { expired: [...walks.values()].reduce((sum, walk) => sum + walk.expiredCount, 0) }),
    tenants,
    ...(first === undefined ? {} : { first_bad_event: first }),
    findings: findings.kept,
    finding_count: findings.count(),
  };
}

/** What is known to be wrong before anything of the log is read. */
export function addFaults({ ring, faults = [] }: VerifyOptions, findings: FindingList): void {
  for (const message of ring.faults) findings.add({ kind: "key_invalid", message });
  for (const message of faults) findings.add({ kind: "checkpoint_invalid", message });
}

/** Judges as missing every place before `seq`: events come in order, so theirs will not come any more. */
async function passMissing(source: LogSource, walk: Walk, seq: number): Promise<void> {
  for (;;) {
    if (needsTiles(walk)) await readTiles(source, walk);
    const place = nextPlace(walk);
    if (place === undefined || place.seq >= seq) return;
    if (!isExpired(walk, place)) suspect(walk, { place });
    step(walk, place);
  }
}

async function openWalks(source: LogSource, options: VerifyOptions, hash: Hash, findings: FindingList): Promise<ReadonlyMap<string, Walk>> {
  const expected = new Map<string, ExpectedCheckpoint[]>();
  for (const note of options.expected ?? []) {
    const checkpoint = await openCheckpoint(note, options.ring);
    const tenantId = tenantOf(checkpoint.origin);
    if (tenantId === undefined) throw new Error(`open checkpoint: origin: ${checkpoint.origin} is no tenant's`);
    expected.set(tenantId, [...expected.get(tenantId) ?? [], { ...checkpoint, from: "elsewhere" }]);
  }
  const walks = new Map<string, Walk>();
  for (const claims of [...source.tenants, ...absentTenants(source.tenants, expected.keys())]) {
    const own = await openOwn(claims, options.ring, findings);
    const checkpoints = [...own, ...expected.get(claims.tenantId) ?? []];
    walks.set(claims.tenantId, openWalk(claims, own, treeCheck(hash, checkpoints), source.expired));
  }
  return walks;
}

/** Tenants that a checkpoint kept elsewhere names and the log does not: all that they had is gone. */
function absentTenants(known: readonly TenantClaims[], named: Iterable<string>): TenantClaims[] {
  const ids = new Set(known.map((claims) => claims.tenantId));
  const absent = [...named].filter((tenantId) => !ids.has(tenantId));
  return absent.map((tenantId) => ({ tenantId, tree: undefined, checkpoints: [], sealProblems: [], treeProblem: undefined }));
}

/** The log's own checkpoints, those that are validly signed; a finding for each of the others. */
async function openOwn(claims: TenantClaims, ring: KeyRing, findings: FindingList): Promise<ExpectedCheckpoint[]> {
  const opened: ExpectedCheckpoint[] = [];
  for (const stored of claims.checkpoints) {
    try {
      const checkpoint = await openCheckpoint(stored.note, ring);
      if (tenantOf(checkpoint.origin) !== claims.tenantId) throw new Error(`open checkpoint: origin: is ${checkpoint.origin}`);
      opened.push({ ...checkpoint, from: "log" });
      for (const message of rowFaults(stored, checkpoint)) findings.add({ kind: "checkpoint_changed", tenant_id: claims.tenantId, message });
    } catch (fault) {
      const size = /^[^\n]*\n(\d{1,16})\n/.exec(stored.note)?.[1] ?? "unknown";
      findings.add({ kind: "checkpoint_invalid", tenant_id: claims.tenantId, message: `checkpoint of size ${size}: ${(fault as Error).message}` });
    }
  }
  return opened;
}

/** What the row of a checkpoint says otherwise than its note. Nothing here reads these columns, but readers of the database do: to find a checkpoint, or its time. */
function* rowFaults(stored: StoredCheckpoint, signed: Checkpoint): Iterable<string> {
  const columns = [
    ["size", String(stored.size), String(signed.size)],
    ["root", toBase64(stored.root), toBase64(signed.root)],
    ["signed_at", stored.signedAt, signed.signedAt.toISOString()],
    ["verifier_key", stored.verifierKey, signed.key],
  ] as const;
  for (const [column, says, is] of columns) if (says !== is) yield `checkpoint of size ${signed.size}: its row has ${column} ${says}, its note says ${is}`;
}

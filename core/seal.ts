import { originOf, signCheckpoint } from "./format/checkpoint.ts";
import type { CheckedEvents, SealRow, SealTurn, TreeGrowth, TreeProblem } from "./seal-store.ts";
import { growTree, type OpenedTree, openTree, signingTime } from "./seal-tree.ts";
import { byTenantOf, openSealer, type SealBounds, type SealDependencies, type Sealer as OpenedSealer } from "./sealer.ts";

/** What a call did. `gate_at` is when waiting for running transactions began, if it goes on: a long lag is a transaction that does not end. */
export type SealSummary = {
  readonly status: "done" | "busy" | "out_of_time" | "waiting";
  readonly turns: number;
  readonly sealed: number;
  readonly checkpoints: number;
  /** Events newly found not to rebuild their leaf hash, and tenants whose tree differs from its checkpoint: not sealed, and recorded. */
  readonly problems: number;
  readonly tree_problems: number;
  readonly gate_at?: string;
};

/**
 * Seals what is committed: appends each tenant's leaf hashes to its tree in seq order and signs the new tree. Returns when nothing is left, when the
 * budget is spent, or when another sealer is at work. A crash at any point loses nothing but its own turn: tree, tiles, checkpoint and mark commit
 * together. Throws `conflict` when the key may not sign here, `unavailable` when the database is away.
 */
export async function seal(dependencies: SealDependencies, bounds: SealBounds): Promise<SealSummary> {
  const sealer: Sealer = { ...await openSealer(dependencies), opened: new Map() };
  const { store, now } = sealer;
  const total = { turns: 0, sealed: 0, checkpoints: 0, problems: 0, tree_problems: 0 };
  const started = now().getTime();
  let waitedMs = 0;
  for (;;) {
    const done = await store.turn((turn) => sealTurn(sealer, turn, bounds));
    if (done === "busy") return { status: "busy", ...total };
    total.turns++;
    for (const key of ["sealed", "checkpoints", "problems", "tree_problems"] as const) total[key] += done[key];
    if (now().getTime() - started >= bounds.budgetMs) return { status: done.isMoreLikely ? "out_of_time" : "done", ...total, ...gateOf(done) };
    if (done.isMoreLikely) continue;
    if (done.gateAt === undefined) return { status: "done", ...total };
    // Under steady ingest some transaction is always running at the instant of the gate; a few milliseconds later it has ended.
    if (waitedMs >= bounds.waitMs) return { status: "waiting", ...total, ...gateOf(done) };
    await dependencies.sleep(gateCheckMs);
    waitedMs += gateCheckMs;
  }
}

const gateCheckMs = 20;

type Sealer = OpenedSealer & {
  /** Trees as this call left them, by tenant: compared again only if somebody else signed since. */
  readonly opened: Map<string, { readonly note: string; readonly tree: OpenedTree }>;
};

type TurnOutcome = {
  readonly sealed: number;
  readonly checkpoints: number;
  readonly problems: number;
  readonly tree_problems: number;
  readonly isMoreLikely: boolean;
  readonly gateAt: string | undefined;
};

function gateOf({ gateAt }: TurnOutcome): { readonly gate_at?: string } {
  return gateAt === undefined ? {} : { gate_at: gateAt };
}

const noEvents: CheckedEvents = { count: 0, lastSeq: undefined, checked: [], problems: [] };

async function sealTurn(sealer: Sealer, turn: SealTurn, bounds: SealBounds): Promise<TurnOutcome> {
  const { checked, problems, count, lastSeq } = turn.openSeq > turn.sealedSeq ? await turn.events(bounds.rowsPerTurn) : noEvents;
  const toSeq = count < bounds.rowsPerTurn || lastSeq === undefined ? turn.openSeq : lastSeq;
  const byTenant = byTenantOf(checked);
  // A tree that a predecessor's key signed last is signed again, so that whoever knows only the newest key can check it.
  const strangers = await turn.signedByOthers(sealer.verifierKey, bounds.tenantsPerTurn);
  for (const tenantId of strangers) if (!byTenant.has(tenantId)) byTenant.set(tenantId, []);

  const { growths, treeProblems } = await growAll(sealer, turn, byTenant);
  if (problems.length > 0 || treeProblems.length > 0) await turn.report(problems, treeProblems);
  if (toSeq > turn.sealedSeq || growths.length > 0) await turn.append(toSeq, growths, sealer.verifierKey);
  return {
    sealed: growths.reduce((sum, growth) => sum + growth.size - growth.oldSize, 0),
    checkpoints: growths.length,
    problems: problems.length,
    tree_problems: treeProblems.length,
    isMoreLikely: toSeq < turn.openSeq || strangers.length === bounds.tenantsPerTurn,
    gateAt: turn.gateAt,
  };
}

async function growAll(
  sealer: Sealer,
  turn: SealTurn,
  byTenant: ReadonlyMap<string, readonly SealRow[]>,
): Promise<{ readonly growths: readonly TreeGrowth[]; readonly treeProblems: readonly TreeProblem[] }> {
  const growths: TreeGrowth[] = [];
  const treeProblems: TreeProblem[] = [];
  if (byTenant.size === 0) return { growths, treeProblems };
  const now = sealer.now();
  for (const stored of await turn.trees([...byTenant.keys()])) {
    // Found before: recorded then, and passed over since.
    if (stored.problem !== undefined) continue;
    const { tenantId } = stored;
    const origin = originOf(sealer.logOrigin, tenantId);
    const known = sealer.opened.get(tenantId);
    const tree = known !== undefined && known.note === stored.checkpoint?.note ? known.tree : await openTree(stored, origin, sealer.sha256, sealer.verifierOf);
    if ("problem" in tree) {
      treeProblems.push({ tenantId, problem: tree.problem });
      continue;
    }
    const signedAt = signingTime(now, tree);
    const growth = growTree(tree.range, tenantId, byTenant.get(tenantId) ?? [], sealer.join);
    const note = await signCheckpoint({ origin, size: growth.size, root: growth.root }, sealer.signer, signedAt);
    sealer.opened.set(tenantId, { note, tree: { ...tree, signedAt } });
    growths.push({ ...growth, note, signedAt });
  }
  return { growths, treeProblems };
}

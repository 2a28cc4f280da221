import { originOf, signCheckpoint } from "./format/checkpoint.ts";
import type { SealTurn, TreeGrowth } from "./seal-store.ts";
import { growTree, openTree, signingTime } from "./seal-tree.ts";
import { openSealer, type SealBounds, type SealDependencies, type Sealer } from "./sealer.ts";

/**
 * What a retry came to. `ended`: the tree grows again. `no_problem`: none is recorded of this tenant. `differs`: it still is not what was signed, `problem` says
 * how, and nothing was changed. `busy` and `out_of_time`: ask again.
 */
export type RetrySummary = {
  readonly status: "ended" | "no_problem" | "differs" | "busy" | "out_of_time";
  readonly sealed: number;
  /** Events, passed over meanwhile, that do not rebuild their leaf hash: recorded, and not sealed. */
  readonly problems: number;
  readonly problem?: string;
};

/**
 * Takes a tenant back whose tree was found to differ from its last checkpoint, if by now they agree. Events that came meanwhile were passed over, and the
 * sealer's mark has gone on: they are sealed first, in order of seq, over as many turns as they need, and the problem ends with the last of them. A crash
 * between two turns leaves the problem in place and the tree whole. Throws as `seal()` does.
 */
export async function retryTree(dependencies: SealDependencies, bounds: SealBounds, tenantId: string): Promise<RetrySummary> {
  const sealer = await openSealer(dependencies);
  const started = sealer.now().getTime();
  const total = { sealed: 0, problems: 0 };
  for (;;) {
    const done = await sealer.store.turn((turn) => retryTurn(sealer, turn, tenantId, bounds.rowsPerTurn));
    if (done === "busy") return { status: "busy", ...total };
    total.sealed += done.sealed;
    total.problems += done.problems;
    if (done.status === "differs") return { status: "differs", ...total, problem: done.problem };
    if (done.status !== "more") return { status: done.status, ...total };
    if (sealer.now().getTime() - started >= bounds.budgetMs) return { status: "out_of_time", ...total };
  }
}

type RetryOutcome =
  & { readonly sealed: number; readonly problems: number }
  & (
    | { readonly status: "ended" | "no_problem" | "more" }
    | { readonly status: "differs"; readonly problem: string }
  );

async function retryTurn(sealer: Sealer, turn: SealTurn, tenantId: string, limit: number): Promise<RetryOutcome> {
  const [stored] = await turn.trees([tenantId]);
  if (stored?.problem === undefined) return { status: "no_problem", sealed: 0, problems: 0 };
  const origin = originOf(sealer.logOrigin, tenantId);
  const tree = await openTree(stored, origin, sealer.sha256, sealer.verifierOf);
  if ("problem" in tree) return { status: "differs", problem: tree.problem, sealed: 0, problems: 0 };
  const afterSeq = await turn.lastSeqOf(tenantId);
  if (afterSeq === undefined) return { status: "differs", problem: "the last full tile of level 0 is missing", sealed: 0, problems: 0 };

  const { checked: rows, problems, count } = await turn.passedOver(tenantId, afterSeq, limit);
  if (problems.length > 0) await turn.report(problems, []);
  if (rows.length > 0) {
    const signedAt = signingTime(sealer.now(), tree);
    const growth = growTree(tree.range, tenantId, rows, sealer.join);
    const note = await signCheckpoint({ origin, size: growth.size, root: growth.root }, sealer.signer, signedAt);
    const growths: readonly TreeGrowth[] = [{ ...growth, note, signedAt }];
    await turn.append(turn.sealedSeq, growths, sealer.verifierKey);
  }
  const done = { sealed: rows.length, problems: problems.length };
  if (count === limit) return { status: "more", ...done };
  await turn.endTreeProblem(tenantId);
  return { status: "ended", ...done };
}

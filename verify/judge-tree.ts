import { equalBytes, toBase64 } from "./bytes.ts";
import type { Finding, FindingList, TenantReport } from "./report.ts";
import type { UpperTile } from "./source.ts";
import type { ExpectedCheckpoint, RootMismatch, TreeCheck } from "./tree-check.ts";
import type { Walk } from "./walk.ts";

/** How far a sealer's clock may go back without a word: machines differ by seconds, a forger's dates by more. */
const clockSlackMs = 300_000;

/** Says what is wrong with one tenant's tree, tiles and checkpoints, apart from its events. */
export function judgeTree(walk: Walk, outcome: ReturnType<TreeCheck["finish"]>, upperTiles: readonly UpperTile[], findings: FindingList): TenantReport {
  const { claims } = walk;
  const before = findings.count();
  const add = (kind: Finding["kind"], message: string) => findings.add({ kind, tenant_id: claims.tenantId, message });

  if (claims.treeProblem !== undefined) add("tree_changed", `the sealer refused this tree: ${claims.treeProblem}`);
  if (walk.broken !== undefined) add("tile_changed", walk.broken);
  for (const mismatch of outcome.mismatches) {
    const { kind, message } = mismatchOf(mismatch, outcome.size);
    add(kind, message);
  }
  const newest = walk.checkpoints.reduce((size, checkpoint) => Math.max(size, checkpoint.size), 0);
  if (outcome.size > newest) add("tree_changed", `leaves from ${newest} on are in no checkpoint, up to ${outcome.size}`);
  if ((claims.tree?.size ?? 0) !== outcome.size) {
    add("tree_changed", `the tree is recorded with ${claims.tree?.size ?? 0} leaves, its tiles have ${outcome.size}`);
  } else if (claims.tree !== undefined && !equalBytes(claims.tree.root, outcome.root)) add("tree_changed", "the recorded root is not that of its leaves");
  for (const fault of upperFaults(outcome.upper, upperTiles)) add("tile_changed", fault);
  for (const fault of clockFaults(walk.checkpoints)) add("checkpoint_invalid", fault);

  const last = walk.checkpoints.findLast((checkpoint) => checkpoint.size === newest);
  return {
    tenant_id: claims.tenantId,
    size: outcome.size,
    root: toBase64(outcome.root),
    checkpoints: outcome.met,
    ...(last === undefined ? {} : { signed_at: last.signedAt.toISOString() }),
    findings: findings.count() - before + walk.suspicionCount + claims.sealProblems.length,
  };
}

function mismatchOf({ checkpoint, fault, soundUpTo, eventsAreSigned }: RootMismatch, size: number): Pick<Finding, "kind" | "message"> {
  const signed = `${checkpoint.size} leaves signed at ${checkpoint.signedAt.toISOString()}`;
  if (fault === "too_small") {
    const where = checkpoint.from === "log" ? "its own checkpoint" : "a checkpoint kept elsewhere";
    return { kind: "rolled_back", message: `the log has ${size} leaves, ${where} states ${signed}: events were cut off or the log was rolled back` };
  }
  if (eventsAreSigned) return { kind: "tile_changed", message: `the tiles do not have the root of ${signed}, the events have` };
  const where = `the first change is at an index from ${soundUpTo} to ${checkpoint.size - 1}`;
  return { kind: "checkpoint_differs", message: `the root of ${signed} is another: ${where}` };
}

function* upperFaults(expected: readonly (readonly Uint8Array[] | undefined)[], tiles: readonly UpperTile[]): Iterable<string> {
  const stored = new Map(tiles.map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
  for (const [level, hashes] of expected.entries()) {
    for (let index = 0; hashes !== undefined && index * 256 < hashes.length; index++) {
      const wanted = hashes.slice(index * 256, (index + 1) * 256);
      const found = stored.get(`${level}/${index}`);
      stored.delete(`${level}/${index}`);
      if (found === undefined) yield `tile ${index} of level ${level} is missing`;
      else if (found.length !== wanted.length * 32) yield `tile ${index} of level ${level} has ${found.length / 32} hashes, not ${wanted.length}`;
      else {
        const wrong = wanted.findIndex((hash, i) => !equalBytes(hash, found.subarray(i * 32, (i + 1) * 32)));
        const first = (index * 256 + wrong) * 256 ** level;
        if (wrong >= 0) yield `tile ${index} of level ${level} differs from the leaves at index ${first} to ${first + 256 ** level - 1}`;
      }
    }
  }
  for (const name of stored.keys()) yield `tile ${name.split("/")[1]} of level ${name.split("/")[0]} should not be there`;
}

/** A larger tree cannot have been signed long before a smaller one: whoever dates back a retired key's signature is found here. */
function* clockFaults(checkpoints: readonly ExpectedCheckpoint[]): Iterable<string> {
  const inOrder = [...checkpoints].sort((a, b) => a.size - b.size);
  /** The last signed of all smaller trees, and of those up to this size. */
  let smaller: ExpectedCheckpoint | undefined;
  let latest: ExpectedCheckpoint | undefined;
  for (const checkpoint of inOrder) {
    if (latest !== undefined && latest.size < checkpoint.size) smaller = latest;
    if (smaller !== undefined && checkpoint.signedAt.getTime() < smaller.signedAt.getTime() - clockSlackMs) {
      yield `checkpoint of size ${checkpoint.size}: signed at ${checkpoint.signedAt.toISOString()}, before the smaller one of size ${smaller.size}`;
    }
    if (latest === undefined || checkpoint.signedAt >= latest.signedAt) latest = checkpoint;
  }
}

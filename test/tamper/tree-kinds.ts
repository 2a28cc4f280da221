import { Buffer } from "node:buffer";
import { treeRange } from "../../core/format/merkle.ts";
import { type MemoryCheckpoint, type MemoryEvent, type MemoryLog, type MemoryTenant, signedCheckpoint } from "../support/memory-log.ts";
import { firstKey, secondKey } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";
import { bigTenant, eventsOf, letters, pick, rehashed, type Tamper } from "./tamper.ts";

/** What stands beside a checkpoint's note and is not signed. */
const rowKinds = Object.entries<(checkpoint: MemoryCheckpoint, random: () => number) => Partial<MemoryCheckpoint>>({
  size: ({ size }, random) => ({ size: size + (random() < 0.5 ? -1 : 1) * (1 + Math.floor(random() * 5)) }),
  root: ({ root }, random) => ({ root: Uint8Array.from(root, (byte, at) => at === 7 ? byte ^ (1 + Math.floor(random() * 255)) : byte) }),
  verifier_key: ({ verifierKey }) => ({ verifierKey: verifierKey === secondKey.verifierKey ? firstKey.verifierKey : secondKey.verifierKey }),
  signed_at: ({ signedAt }, random) => ({ signedAt: new Date(Date.parse(signedAt) - 1 - Math.floor(random() * 86_400_000)).toISOString() }),
}).map(([column, change]): Tamper => ({
  name: `a checkpoint's ${column} beside its note`,
  apply: (log, random) => {
    const checkpoint = pick(random, pick(random, log.tenants).checkpoints);
    Object.assign(checkpoint, change(checkpoint, random));
    return { kind: "checkpoint_changed" };
  },
}));

/** When a forger signs: without a fraction of a second, as a checkpoint has it. */
const now = new Date(Math.floor(Date.now() / 1000) * 1000);

/** What a forger with the format's documentation does to the tree. */
export const treeKinds: readonly Tamper[] = [
  {
    name: "a bit of a tile",
    apply: (log, random) => {
      const tile = pick(random, pick(random, log.tenants).tiles);
      const at = Math.floor(random() * tile.hashes.length);
      tile.hashes = Uint8Array.from(tile.hashes).with(at, (tile.hashes[at] as number) ^ 4);
      return { id: tile.ids[Math.floor(at / 32)], kind: "tile_changed" };
    },
  },
  {
    name: "a bit of an upper tile",
    apply: (log, random) => {
      const hashes = bigTenant(log).upper[1] as Uint8Array[];
      hashes[0] = Uint8Array.from(hashes[0] as Uint8Array).with(Math.floor(random() * 32), 0).with(0, ((hashes[0] as Uint8Array)[0] as number) ^ 1);
      return { kind: "tile_changed" };
    },
  },
  {
    name: "a tile deleted",
    apply: (log) => {
      bigTenant(log).tiles.shift();
      return { kind: "tile_changed" };
    },
  },
  {
    name: "the recorded size",
    apply: (log, random) => {
      pick(random, log.tenants).tree.size -= 1 + Math.floor(random() * 5);
      return { kind: "tree_changed" };
    },
  },
  {
    name: "the recorded root",
    apply: (log, random) => {
      const { tree } = pick(random, log.tenants);
      tree.root = Uint8Array.from(tree.root).with(Math.floor(random() * 32), 0).with(1, ((tree.root[1] as number) + 1) % 256);
      return { kind: "tree_changed" };
    },
  },
  {
    name: "an event with leaf_hash, tiles and tree recomputed",
    apply: (log, random) => {
      forgeConsistently(log, random);
      return { kind: "checkpoint_differs" };
    },
  },
  {
    name: "an event with everything recomputed and checkpoints signed by another key",
    apply: async (log, random) => {
      const tenant = forgeConsistently(log, random);
      tenant.checkpoints = [await signedCheckpoint(tenant, secondKey, now)];
      return { kind: "checkpoint_invalid" };
    },
  },
  {
    name: "a checkpoint with another root under its old signature",
    apply: (log, random) => {
      const tenant = forgeConsistently(log, random);
      const last = tenant.checkpoints.at(-1) as MemoryCheckpoint;
      last.root = tenant.tree.root;
      last.note = last.note.replace(last.note.split("\n")[2] as string, Buffer.from(tenant.tree.root).toString("base64"));
      return { kind: "checkpoint_invalid" };
    },
  },
  {
    name: "a checkpoint of another tenant",
    apply: (log) => {
      const [one, other] = log.tenants as [MemoryTenant, MemoryTenant];
      one.checkpoints = [...one.checkpoints.slice(0, -1), other.checkpoints.at(-1) as MemoryCheckpoint];
      return { kind: "checkpoint_invalid" };
    },
  },
  ...rowKinds,
  {
    name: "the newest checkpoint deleted",
    apply: (log, random) => {
      pick(random, log.tenants.filter((tenant) => tenant.checkpoints.length > 1)).checkpoints.pop();
      return { kind: "tree_changed" };
    },
  },
  {
    name: "every checkpoint deleted",
    apply: (log, random) => {
      pick(random, log.tenants).checkpoints = [];
      return { kind: "tree_changed" };
    },
  },
  {
    name: "the tail cut with its tiles, but not its checkpoints",
    apply: (log, random) => {
      cutTail(log, random);
      return { kind: "rolled_back" };
    },
  },
];

/** Changes one event and makes everything that is not signed fit it. */
function forgeConsistently(log: MemoryLog, random: () => number): MemoryTenant {
  const tenant = bigTenant(log);
  const own = eventsOf(log, tenant);
  const index = Math.floor(random() * own.length);
  const event = own[index] as MemoryEvent;
  event.event["message"] = `forged ${letters(random)}`;
  event.leafHash = rehashed(event).leafHash;
  rebuildTree(tenant, own);
  return tenant;
}

function rebuildTree(tenant: MemoryTenant, own: readonly MemoryEvent[]): void {
  const range = treeRange(sha256);
  tenant.tiles = [];
  tenant.upper = [];
  for (const [i, event] of own.entries()) {
    const tile = tenant.tiles[Math.floor(i / 256)] ??= { index: Math.floor(i / 256), hashes: new Uint8Array(0), seqs: [], occurredAts: [], ids: [] };
    tile.hashes = Buffer.concat([tile.hashes, event.leafHash]);
    tile.seqs.push(event.seq);
    tile.occurredAts.push(event.occurredAt);
    tile.ids.push(event.id);
    range.append(event.leafHash, (height, _, hash) => height % 8 === 0 && (tenant.upper[height / 8] ??= []).push(hash));
  }
  tenant.tree = { size: range.size(), root: range.root() };
}

/** Removes a tenant's last events and makes its tree end before them. */
export function cutTail(log: MemoryLog, random: () => number): MemoryTenant {
  const tenant = bigTenant(log);
  const own = eventsOf(log, tenant);
  const kept = own.slice(0, own.length - 1 - Math.floor(random() * 40));
  log.events = log.events.filter((event) => event.tenantId !== tenant.tenantId || kept.includes(event));
  rebuildTree(tenant, kept);
  return tenant;
}

/** The tail cut with its checkpoints, signed anew by the rightful key: what only a checkpoint kept elsewhere shows. */
export async function rollBack(log: MemoryLog, random: () => number): Promise<MemoryTenant> {
  const tenant = cutTail(log, random);
  const smaller = tenant.checkpoints.filter(({ size }) => size <= tenant.tree.size);
  tenant.checkpoints = [...smaller, await signedCheckpoint(tenant, firstKey, now)];
  return tenant;
}

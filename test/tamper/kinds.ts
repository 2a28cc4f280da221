import { canonicalJson } from "../../core/format/canonical-json.ts";
import { originOf, signCheckpoint } from "../../core/format/checkpoint.ts";
import { treeRange } from "../../core/format/merkle.ts";
import { leafHash, leafOf } from "../../verify/leaf.ts";
import type { MemoryEvent, MemoryLog, MemoryTenant } from "../support/memory-log.ts";
import { firstKey, logOrigin, secondKey } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

/** What a kind of tampering must lead to: the event that is named first, or none when no single event can be told; its column when it can. */
export type Expectation = { readonly id?: string | undefined; readonly column?: string; readonly kind?: string };
export type Tamper = { readonly name: string; readonly apply: (log: MemoryLog, random: () => number) => Expectation | Promise<Expectation> };

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const letters = (random: () => number) => Math.floor(random() * 1e12).toString(36);
const otherText = (random: () => number, value: unknown) => {
  const made = `x${letters(random)}`;
  return made === value ? `${made}y` : made;
};
const sealedEvent = (log: MemoryLog, random: () => number) => pick(random, log.events);
const bigTenant = (log: MemoryLog) => log.tenants.reduce((big, tenant) => tenant.tree.size > big.tree.size ? tenant : big);
const eventsOf = (log: MemoryLog, tenant: MemoryTenant) => log.events.filter((event) => event.tenantId === tenant.tenantId);

/** Each column of the leaf but those of the key, and what a forger writes there. */
const columnValues: Readonly<Record<string, (random: () => number, value: unknown) => unknown>> = {
  received_at: (random, value) => new Date(Date.parse(String(value)) + 1 + Math.floor(random() * 50)).toISOString(),
  principal: otherText,
  source: otherText,
  actor_id: otherText,
  actor_type: otherText,
  event_type: otherText,
  object_type: otherText,
  object_id: otherText,
  result: (random, value) => pick(random, ["success", "failure", "warning"].filter((other) => other !== value)),
  message: otherText,
  duration_ms: (random, value) => (Number(value ?? 0) + 1 + Math.floor(random() * 99)) % 2_147_483_647,
  context: (random, value) => ({ ...value as object, [`added ${letters(random)}`]: true }),
  ip_address: (random) => `198.51.100.${Math.floor(random() * 256)}`,
  user_agent: otherText,
  device_fingerprint: otherText,
  request_id: otherText,
  producer_id: otherText,
  producer_seq: (random, value) => Number(value ?? 0) === 0 ? 1 + Math.floor(random() * 1000) : Number(value) - 1,
};
/** Columns whose old value a checker finds again, because there are few candidates near the new one. */
const derivable = new Set(["result", "received_at", "duration_ms", "producer_seq"]);

export const columnKinds = Object.entries(columnValues).map(([column, value]): Tamper => ({
  name: `column ${column}`,
  apply: (log, random) => {
    const event = sealedEvent(log, random);
    const hadValue = event.event[column] !== undefined;
    event.event[column] = value(random, event.event[column]);
    // A value where there was none is found by taking it away again; the context's added member too.
    return { id: event.id, kind: "event_changed", ...(!hadValue || derivable.has(column) || column === "context" ? { column } : {}) };
  },
}));

/** What a forger with a text editor does to events. */
const eventKinds: readonly Tamper[] = [
  {
    name: "occurred_at by a microsecond",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.occurredAt = event.event["occurred_at"] = event.occurredAt.replace("Z", "001Z");
      return { column: "occurred_at", kind: "event_changed" };
    },
  },
  {
    name: "another id",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.id = event.event["id"] = event.id.replace(/.$/, (digit) => digit === "0" ? "1" : "0");
      return { column: "id", kind: "event_changed" };
    },
  },
  {
    name: "null for a value",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { message } }) => message !== undefined));
      event.event["message"] = null;
      return { id: event.id, kind: "event_changed" };
    },
  },
  {
    name: "null in a context instead of nothing",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { context } }) => context !== undefined));
      event.event["context"] = { ...event.event["context"] as object, [letters(random)]: null };
      return { id: event.id, kind: "event_changed", column: "context" };
    },
  },
  {
    name: "an empty context instead of none",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { context } }) => context === undefined));
      event.event["context"] = {};
      return { id: event.id, kind: "event_changed", column: "context" };
    },
  },
  {
    name: "two contexts swapped",
    apply: (log, random) => {
      const withContext = log.events.filter(({ event: { context } }) => context !== undefined);
      const one = pick(random, withContext);
      const other = pick(
        random,
        withContext.filter((event) => canonicalJson(event.event["context"] as never) !== canonicalJson(one.event["context"] as never)),
      );
      [one.event["context"], other.event["context"]] = [other.event["context"], one.event["context"]];
      return { id: one.seq < other.seq ? one.id : other.id, kind: "event_changed" };
    },
  },
  {
    name: "a text in another normal form",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { message } }) => typeof message === "string" && message.normalize("NFC") !== message));
      event.event["message"] = String(event.event["message"]).normalize("NFC");
      return { id: event.id, kind: "event_changed" };
    },
  },
  {
    name: "two events change places",
    apply: (log, random) => {
      const own = eventsOf(log, bigTenant(log));
      const at = Math.floor(random() * (own.length - 1));
      const [one, other] = [own[at], own[at + 1]] as [MemoryEvent, MemoryEvent];
      [one.seq, other.seq] = [other.seq, one.seq];
      return { id: one.id, kind: "event_changed" };
    },
  },
  {
    name: "seq of one event",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.seq += random() < 0.5 ? 1 : 100_001;
      return { id: event.id, kind: "event_changed", column: "seq" };
    },
  },
  { name: "first event deleted", apply: (log) => removed(log, 0, 1) },
  { name: "last event deleted", apply: (log) => removed(log, eventsOf(log, bigTenant(log)).length - 1, 1) },
  { name: "a range of events deleted", apply: (log, random) => removed(log, Math.floor(random() * 300), 2 + Math.floor(random() * 20)) },
  {
    name: "every event of a tenant deleted",
    apply: (log, random) => {
      const { tenantId } = pick(random, log.tenants);
      const first = log.events.find((event) => event.tenantId === tenantId);
      log.events = log.events.filter((event) => event.tenantId !== tenantId);
      return { id: first?.id, kind: "event_missing" };
    },
  },
  {
    name: "a forged event with its right leaf hash slipped in",
    apply: (log, random) => {
      const model = sealedEvent(log, random);
      const id = `0${model.id.slice(1, -4)}${letters(random).padStart(4, "0").slice(-4).replaceAll(/[^0-9a-f]/g, "a")}`;
      log.events.push(rehashed({ ...model, id, seq: model.seq - 1, event: { ...model.event, id, message: "forged" } }));
      return { id, kind: "event_added" };
    },
  },
  {
    name: "an event doubled",
    apply: (log, random) => {
      const model = sealedEvent(log, random);
      const occurredAt = new Date(Date.parse(model.occurredAt) + 1).toISOString();
      log.events.push(rehashed({ ...model, occurredAt, seq: model.seq - 1, event: { ...model.event, occurred_at: occurredAt } }));
      return { id: model.id, kind: "event_added" };
    },
  },
  {
    name: "moved to another tenant",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.tenantId = log.tenants.find(({ tenantId }) => tenantId !== event.tenantId)?.tenantId ?? "";
      event.event["tenant_id"] = event.tenantId;
      return { id: event.id, kind: "event_changed", column: "tenant_id" };
    },
  },
  {
    name: "leaf_hash alone",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.leafHash = Uint8Array.from(event.leafHash).with(3, (event.leafHash[3] as number) ^ 1);
      return { id: event.id, kind: "event_changed", column: "leaf_hash" };
    },
  },
  {
    name: "an event and its leaf_hash",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.event["message"] = `forged ${letters(random)}`;
      event.leafHash = rehashed(event).leafHash;
      return { id: event.id, kind: "event_changed" };
    },
  },
];

function removed(log: MemoryLog, at: number, count: number): Expectation {
  const gone = eventsOf(log, bigTenant(log)).slice(at, at + count);
  log.events = log.events.filter((event) => !gone.includes(event));
  return { id: gone[0]?.id, kind: "event_missing" };
}

function rehashed(event: MemoryEvent): MemoryEvent {
  return { ...event, leafHash: leafHash(sha256, leafOf(event.event)) };
}

/** What a forger with the format's documentation does to the tree. */
const treeKinds: readonly Tamper[] = [
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
      const origin = originOf(logOrigin, tenant.tenantId);
      tenant.checkpoints = [await signCheckpoint({ origin, ...tenant.tree }, secondKey.signer, new Date())];
      return { kind: "checkpoint_invalid" };
    },
  },
  {
    name: "a checkpoint with another root under its old signature",
    apply: (log, random) => {
      const tenant = forgeConsistently(log, random);
      const last = tenant.checkpoints.length - 1;
      const note = tenant.checkpoints[last] as string;
      tenant.checkpoints[last] = note.replace(note.split("\n")[2] as string, Buffer.from(tenant.tree.root).toString("base64"));
      return { kind: "checkpoint_invalid" };
    },
  },
  {
    name: "a checkpoint of another tenant",
    apply: (log) => {
      const [one, other] = log.tenants as [MemoryTenant, MemoryTenant];
      one.checkpoints = [...one.checkpoints.slice(0, -1), other.checkpoints.at(-1) as string];
      return { kind: "checkpoint_invalid" };
    },
  },
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
  const smaller = tenant.checkpoints.filter((note) => Number(note.split("\n")[1]) <= tenant.tree.size);
  tenant.checkpoints = [...smaller, await signCheckpoint({ origin: originOf(logOrigin, tenant.tenantId), ...tenant.tree }, firstKey.signer, new Date())];
  return tenant;
}

export const tamperKinds: readonly Tamper[] = [...eventKinds, ...treeKinds];

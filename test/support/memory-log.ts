import { Buffer } from "node:buffer";
import type { AuditEvent } from "../../core/event.ts";
import { originOf, signCheckpoint } from "../../core/format/checkpoint.ts";
import { joinWith, treeRange } from "../../core/format/merkle.ts";
import type { SealRow } from "../../core/seal-store.ts";
import { growTree } from "../../core/seal-tree.ts";
import type { EventRecord } from "../../verify/leaf.ts";
import type { LogSource, StoredCheckpoint, StoredEvent, UpperTile } from "../../verify/source.ts";
import { eventRow } from "./random-events.ts";
import { logOrigin, type TestKey } from "./sealed-log.ts";
import { sha256 } from "./sha256.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type MemoryEvent = Writable<Omit<StoredEvent, "event">> & { event: Record<string, unknown> };
export type MemoryTile = { index: number; hashes: Uint8Array; seqs: number[]; occurredAts: string[]; ids: string[] };
export type MemoryCheckpoint = Writable<StoredCheckpoint>;
export type MemoryTenant = {
  tenantId: string;
  tiles: MemoryTile[];
  upper: Uint8Array[][];
  tree: { size: number; root: Uint8Array };
  checkpoints: MemoryCheckpoint[];
};

/** A sealed log as plain values, to be spoiled by tests. */
export type MemoryLog = { sealedSeq: number; events: MemoryEvent[]; tenants: MemoryTenant[] };

/** Seals `events` as the sealer would, a checkpoint whenever a tenant's tree has grown by `perCheckpoint`. */
export async function sealInMemory(events: readonly AuditEvent[], key: TestKey, perCheckpoint: number, at: Date): Promise<MemoryLog> {
  const stored = events.map((event, i): MemoryEvent => {
    const seq = (i + 1) * 2;
    const leafHash = Buffer.from(eventRow(event).leafHash, "hex");
    return { tenantId: event.tenant_id, seq, occurredAt: event.occurred_at, id: event.id, leafHash, event: { ...event } };
  });
  const tenants: MemoryTenant[] = [];
  for (const tenantId of new Set(events.map((event) => event.tenant_id))) {
    const own = stored.filter((event) => event.tenantId === tenantId);
    const range = treeRange(sha256);
    const tenant: MemoryTenant = { tenantId, tiles: [], upper: [], tree: { size: 0, root: sha256(new Uint8Array(0)) }, checkpoints: [] };
    for (let from = 0; from < own.length; from += perCheckpoint) {
      const growth = growTree(range, tenantId, own.slice(from, from + perCheckpoint).map(sealRowOf), joinWith(sha256));
      for (const append of growth.tiles) {
        if (append.level > 0) (tenant.upper[append.level] ??= []).push(...hashesOf(append.hashes));
        else {
          const tile = tenant.tiles[append.index] ??= { index: append.index, hashes: new Uint8Array(0), seqs: [], occurredAts: [], ids: [] };
          tile.hashes = Buffer.concat([tile.hashes, append.hashes]);
          for (const row of append.rows) {
            tile.seqs.push(row.seq);
            tile.occurredAts.push(new Date(row.occurredAtMs).toISOString());
            tile.ids.push(row.id);
          }
        }
      }
      tenant.tree = { size: growth.size, root: growth.root };
      tenant.checkpoints.push(await signedCheckpoint(tenant, key, at));
    }
    tenants.push(tenant);
  }
  return { sealedSeq: stored.length * 2, events: stored, tenants };
}

/** A checkpoint of the tenant's tree as it stands, with a row that fits it; `at` without a fraction of a second. */
export async function signedCheckpoint({ tenantId, tree }: MemoryTenant, key: TestKey, at: Date): Promise<MemoryCheckpoint> {
  const note = await signCheckpoint({ origin: originOf(logOrigin, tenantId), ...tree }, key.signer, at);
  return { note, ...tree, signedAt: at.toISOString(), verifierKey: key.verifierKey };
}

function hashesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 32 }, (_, place) => bytes.subarray(place * 32, (place + 1) * 32));
}

function sealRowOf({ seq, occurredAt, id, leafHash }: MemoryEvent): SealRow {
  return { seq, occurredAtMs: Date.parse(occurredAt), id, leafHash };
}

export function memorySource(log: MemoryLog): LogSource {
  const tenantOf = (tenantId: string) => log.tenants.find((tenant) => tenant.tenantId === tenantId);
  return {
    sealedSeq: log.sealedSeq,
    tenants: log.tenants.map(({ tenantId, tree, checkpoints }) => ({ tenantId, tree, checkpoints, sealProblems: [], treeProblem: undefined })),
    async *events() {
      const inOrder = [...log.events].sort((a, b) => a.seq - b.seq);
      for (let at = 0; at < inOrder.length; at += 100) yield inOrder.slice(at, at + 100).map((event) => ({ ...event, event: event.event as EventRecord }));
    },
    leafTiles: (tenantId, from, limit) => Promise.resolve((tenantOf(tenantId)?.tiles ?? []).filter((tile) => tile.index >= from).slice(0, limit)),
    find: (tenantId, occurredAt, id) =>
      Promise.resolve(log.events.find((event) => event.tenantId === tenantId && event.occurredAt === occurredAt && event.id === id)),
    upperTiles: (tenantId) =>
      Promise.resolve(
        (tenantOf(tenantId)?.upper ?? []).flatMap((hashes, level): UpperTile[] =>
          hashes === undefined ? [] : [{ level, index: 0, hashes: Buffer.concat(hashes) }]
        ),
      ),
  };
}

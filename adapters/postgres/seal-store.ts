import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import { AuditError } from "../../core/errors.ts";
import { parseUuid } from "../../core/format/uuid7.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import type { SealProblem, SealStore, SealTurn, StoredTree, TileAppend, TreeGrowth, TreeProblem } from "../../core/seal-store.ts";
import { encodeArray } from "./binary-array.ts";
import { readChecked } from "./seal-read.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Trees in Postgres, as `audit_job`. Writes go through the definer functions of `migrations/`, which refuse whatever is not as it was read. */
export function createSealStore(pool: Pool, log: Log): SealStore {
  const options = { role: "audit_job", action: "seal events", statementTimeoutMs: limits.sealStatementTimeoutMs, log } as const;
  return {
    useKey: (verifierKey, logOrigin) =>
      inTransaction(pool, options, async (transaction) => {
        const ask = async () => {
          const [answer] = await transaction.rows<{ standing: "usable" | "retired" | "unknown" }>(
            "select audit_log.use_signing_key($1, $2) as standing",
            [verifierKey, logOrigin],
          );
          return answer?.standing ?? "unknown";
        };
        const standing = await ask();
        // Two that begin a new log with one key: whoever waited for the other finds that the log has a key, and only now that it is this one.
        return standing === "unknown" ? await ask() : standing;
      }),
    rotations: () =>
      inTransaction(pool, options, async (transaction) => {
        const rows = await transaction.rows<{ statement: string }>("select statement from audit_log.key_rotations order by announced_at, retired_at");
        return rows.map((row) => row.statement);
      }),
    turn: (work) =>
      inTransaction(pool, options, async (transaction) => {
        const [opened] = await transaction.rows<Opened>("select outcome, sealed_seq, open_seq, gate_at from audit_log.seal_open()");
        if (opened === undefined) throw new Error("open a turn of the sealer: the database gave no row");
        if (opened.outcome === "busy") return "busy";
        await refuseLostSequence(transaction, opened.open_seq);
        return await work(turnOf(transaction, opened));
      }),
  };
}

/**
 * A sequence that stands behind what was sealed was not brought along when the database was copied, as by logical replication. Events that come now get numbers
 * that were passed long ago: nobody would seal them, nor miss them. Read after the turn was opened, so that it can only be further.
 */
async function refuseLostSequence(transaction: Transaction, openSeq: number): Promise<void> {
  const text = "select case when q.is_called then q.last_value else q.last_value - 1 end as drawn from audit_log.event_seq as q";
  const [sequence] = await transaction.rows<{ drawn: number }>(text);
  if (sequence === undefined || sequence.drawn >= openSeq) return;
  throw new AuditError(
    "conflict",
    `seal: audit_log.event_seq: stands at ${sequence.drawn}, but events up to ${openSeq} were sealed: set it to that before more are stored`,
  );
}

type Opened = { readonly outcome: "busy" | "open"; readonly sealed_seq: number; readonly open_seq: number; readonly gate_at: string | null };

function turnOf(transaction: Transaction, { sealed_seq: sealedSeq, open_seq: openSeq, gate_at }: Opened): SealTurn {
  return {
    sealedSeq,
    openSeq,
    gateAt: gate_at ?? undefined,
    events: (limit) => readChecked(transaction, `seq > ${sealedSeq} and seq <= ${openSeq}`, limit),
    trees: (tenantIds) => readTrees(transaction, tenantIds),
    signedByOthers: async (verifierKey, limit) => {
      const text = "select tenant_id from audit_log.trees_signed_by_others($1, $2) as other (tenant_id)";
      return (await transaction.rows<{ tenant_id: string }>(text, [verifierKey, limit])).map((row) => row.tenant_id);
    },
    append: (toSeq, growths, verifierKey) => append(transaction, { fromSeq: sealedSeq, toSeq }, growths, verifierKey),
    report: (rows, trees) => report(transaction, rows, trees),
    lastSeqOf: (tenantId) => readLastSeq(transaction, tenantId),
    passedOver: (tenantId, afterSeq, limit) => readChecked(transaction, passedOverSql(tenantId, afterSeq, sealedSeq), limit),
    endTreeProblem: async (tenantId) => void await transaction.rows("select audit_log.end_tree_problem($1)", [tenantId]),
  };
}

function passedOverSql(tenantId: string, afterSeq: number, toSeq: number): string {
  const uuid = parseUuid(tenantId);
  if (uuid === undefined) throw new Error("read events that were passed over: tenant: is not a UUID");
  return `tenant_id = '${uuid}' and seq > ${afterSeq} and seq <= ${toSeq}
    and not exists (select from audit_log.seal_problems as p where p.tenant_id = events.tenant_id and p.seq = events.seq)`;
}

/**
 * A full last tile may be in the archive: then every event of its leaves has left Postgres, and what is here and later than the last tile that is here is in no
 * tile at all. Without an archive that took it, it was removed, and its leaves must not be taken for new ones.
 */
async function readLastSeq(transaction: Transaction, tenantId: string): Promise<number | undefined> {
  const text = `select coalesce(t.seqs[cardinality(t.seqs)], 0) as last_seq
    from (select coalesce((select s.size from audit_log.tree_state as s where s.tenant_id = $1), 0) as size) as tree
    left join lateral (
      select tile.tile_index, tile.seqs from audit_log.tiles as tile where tile.tenant_id = $1 and tile.level = 0 order by tile.tile_index desc limit 1
    ) as t on true
    where coalesce(t.tile_index * 256 + cardinality(t.seqs), 0) = tree.size or exists (
      select from audit_log.archives as a
      where a.tenant_id = $1 and a.tiles_moved_at is not null and tree.size - 1 between a.first_log_index and a.last_log_index
    )`;
  return (await transaction.rows<{ last_seq: number }>(text, [tenantId]))[0]?.last_seq;
}

type TreeRow = {
  readonly tenant_id: string;
  readonly size: number;
  readonly edge: Uint8Array;
  readonly widths: readonly (number | null)[];
  readonly note: string | null;
  readonly verifier_key: string | null;
  readonly problem: string | null;
};

async function readTrees(transaction: Transaction, tenantIds: readonly string[]): Promise<readonly StoredTree[]> {
  const text = "select tenant_id, size, edge, widths, note, verifier_key, problem from audit_log.seal_trees($1)";
  return (await transaction.rows<TreeRow>(text, [tenantIds])).map((row) => ({
    tenantId: row.tenant_id,
    size: row.size,
    edge: Array.from({ length: row.edge.length / 32 }, (_, i) => row.edge.subarray(i * 32, (i + 1) * 32)),
    widths: row.widths.map((width) => width ?? 0),
    checkpoint: row.note === null || row.verifier_key === null ? undefined : { note: row.note, verifierKey: row.verifier_key },
    problem: row.problem ?? undefined,
  }));
}

async function append(
  transaction: Transaction,
  seqs: { readonly fromSeq: number; readonly toSeq: number },
  growths: readonly TreeGrowth[],
  verifierKey: string,
): Promise<void> {
  const grown = growths.filter((growth) => growth.size > growth.oldSize);
  const tiles = grown.flatMap((growth) => growth.tiles);
  const leaves = tiles.flatMap((tile) => tile.rows);
  await transaction.rows("select audit_log.seal_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)", [
    seqs.fromSeq,
    seqs.toSeq,
    array("uuid", grown.map((growth) => growth.tenantId)),
    array("int8", grown.map((growth) => growth.oldSize)),
    array("int8", grown.map((growth) => growth.size)),
    array("bytea", grown.map((growth) => Buffer.concat(growth.edge))),
    array("bytea", grown.map((growth) => growth.root)),
    array("uuid", tiles.map((tile) => tile.tenantId)),
    array("int4", tiles.map((tile) => tile.level)),
    array("int8", tiles.map((tile) => tile.index)),
    array("int4", tiles.map((tile) => tile.offset)),
    array("bytea", tiles.map((tile) => tile.hashes)),
    array("int4", leafPlaces(tiles)),
    array("int8", leaves.map((row) => row.seq)),
    array("timestamptz", leaves.map((row) => row.occurredAtMs)),
    array("uuid", leaves.map((row) => row.id)),
  ]);
  // One time for all, but for trees that were signed last by a clock that was ahead.
  for (const [second, signed] of Map.groupBy(growths, ({ signedAt }) => Math.floor(signedAt.getTime() / 1000))) {
    await transaction.rows("select audit_log.seal_sign($1, $2, $3, $4, $5, $6)", [
      verifierKey,
      array("uuid", signed.map((growth) => growth.tenantId)),
      array("int8", signed.map((growth) => growth.size)),
      array("bytea", signed.map((growth) => growth.root)),
      array("text", signed.map((growth) => growth.note)),
      new Date(second * 1000).toISOString(),
    ]);
  }
}

/** Where each tile's leaves begin among the leaves of all, from 1 as SQL counts; none for a tile above level 0. */
function leafPlaces(tiles: readonly TileAppend[]): (number | undefined)[] {
  let place = 1;
  return tiles.map((tile) => {
    const here = tile.level === 0 ? place : undefined;
    place += tile.rows.length;
    return here;
  });
}

async function report(transaction: Transaction, rows: readonly SealProblem[], trees: readonly TreeProblem[]): Promise<void> {
  await transaction.rows("select audit_log.seal_report($1, $2, $3, $4, $5, $6, $7, $8)", [
    rows.map(({ found }) => found.tenantId),
    rows.map(({ found }) => found.occurredAt),
    rows.map(({ found }) => found.id),
    rows.map(({ found }) => found.seq),
    array("bytea", rows.map(({ found }) => Buffer.from(found.leafHashHex, "hex"))),
    array("bytea", rows.map(({ rebuilt }) => rebuilt)),
    trees.map(({ tenantId }) => tenantId),
    trees.map(({ problem }) => problem),
  ]);
}

function array(...parameters: Parameters<typeof encodeArray>): Buffer {
  const bytes = encodeArray(...parameters);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

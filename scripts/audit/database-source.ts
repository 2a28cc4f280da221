import { Buffer } from "node:buffer";
import pg from "pg";
import { eventOfRow, rowColumns, timeOf } from "../../verify/database-row.ts";
import type { LeafTile, LogSource, PackedEvent, StoredCheckpoint, StoredEvent, TenantClaims, UpperTile } from "../../verify/source.ts";
import { copiedRows } from "./copied-rows.ts";

type Texts = readonly (string | null)[];

/** What a log in a database says of its keys: not independent of whoever can write to it. */
export type DatabaseLog = LogSource & {
  /** A tenant's events that say their place in the tree themselves, since the tile that named it has moved: those after `seq`, in order of it. */
  restoredEvents(tenantId: string, seq: number, limit: number): Promise<readonly StoredEvent[]>;
  /** Archives of days that left Postgres at some time, oldest first, as the catalogue has them in the state that is read. */
  readonly archives: readonly CatalogueEntry[];
  /** Whether a day's archive is gone in the newest state: it may have expired since this one was opened. */
  hasExpiredSince(tenantId: string, day: string): Promise<boolean>;
  readonly eventCount: number;
  readonly keys: readonly string[];
  readonly rotations: readonly string[];
  close(): Promise<void>;
};

/** What the catalogue says of a tenant's archived day. `isGone` when it is deleted, or being deleted and an event told of it: before that no file is removed. */
export type CatalogueEntry = {
  readonly tenantId: string;
  readonly day: string;
  readonly state: string;
  readonly manifestKey: string;
  readonly manifestSha256: Uint8Array;
  readonly expiringOn: string | undefined;
  readonly isGone: boolean;
};

/**
 * A log read from Postgres in one read-only snapshot, so that a sealer at work meanwhile changes nothing of it. Throws when it cannot be read, and
 * on a replica, whose events may lag behind its trees.
 */
export async function openDatabaseLog(url: string, onlyTenantId?: string): Promise<DatabaseLog> {
  // Two connections with one snapshot: while one prints the next events, the other answers about tiles.
  const connections = [connection(url), connection(url)] as const;
  try {
    return await openSnapshot(connections, url, onlyTenantId);
  } catch (fault) {
    await Promise.allSettled(connections.map((client) => client.end()));
    throw fault;
  }
}

function connection(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url, application_name: "audit-events verify" });
  client.on("error", () => {});
  return client;
}

type Read = (text: string, values?: readonly unknown[]) => Promise<readonly Texts[]>;

function readWith(client: pg.Client): Read {
  const types = { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig;
  return async (text, values = []) => (await client.query<(string | null)[]>({ text, values: [...values], rowMode: "array", types })).rows;
}

const snapshotSql = "begin isolation level repeatable read, read only";
const settingsSql = "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local jit = off; set local statement_timeout = 0";

async function openSnapshot([first, second]: readonly [pg.Client, pg.Client], url: string, onlyTenantId: string | undefined): Promise<DatabaseLog> {
  await first.connect();
  const [[isReplica, isMember, isSuperuser] = []] = await readWith(first)(
    `select pg_is_in_recovery(), coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'audit_job'), false),
       (select rolsuper from pg_roles where rolname = current_user)`,
  );
  if (isReplica === "t") throw new Error("verify database: it is a replica: verify the primary");
  const roleSql = isSuperuser !== "t" && isMember === "t" ? "; set local role audit_job" : "";
  await first.query(`${snapshotSql}; ${settingsSql}${roleSql}`);
  // Before the snapshot, which a lock does not need: from here on no day can be dropped from events, whose rows no snapshot would keep. So each event is
  // found in them or in the archive, by the catalogue of the same state.
  await first.query("lock table audit_log.events in access share mode");
  const [[snapshot] = []] = await readWith(first)("select pg_export_snapshot()");
  await second.connect();
  await second.query(`${snapshotSql}; set transaction snapshot '${snapshot}'; ${settingsSql}${roleSql}`);
  const read = readWith(second);

  const ofTenant = onlyTenantId === undefined ? "" : `where tenant_id = '${uuidLiteral(onlyTenantId)}'`;
  const [[sealedSeq] = []] = await read("select sealed_seq from audit_log.sealer");
  const [[eventCount] = []] = await read(
    "select sum(greatest(reltuples, 0))::bigint from pg_class where oid in (select inhrelid from pg_inherits where inhparent = 'audit_log.events'::regclass)",
  );
  const tenants = await readTenants(read, ofTenant);
  const keys = (await read("select verifier_key from audit_log.signing_keys order by since")).map(([key]) => key as string);
  const rotations = (await read("select statement from audit_log.key_rotations order by announced_at, retired_at")).map(([statement]) => statement as string);
  const deletions = await read(`select tenant_id, occurred_at, id from audit_log.deletions ${ofTenant}`);
  return {
    sealedSeq: Number(sealedSeq),
    eventCount: Number(eventCount ?? 0),
    tenants,
    deletions: deletions.map(([tenantId, occurredAt, id]) => ({ tenantId: tenantId as string, occurredAt: timeOf(occurredAt as string), id: id as string })),
    archives: await readArchives(read, onlyTenantId),
    hasExpiredSince: (tenantId, day) => hasExpired(url, roleSql, tenantId, day),
    keys,
    rotations,
    events: () => readEvents(first, ofTenant),
    leafTiles: async (tenantId, fromIndex, limit) => {
      const text = `select tile_index, encode(hashes, 'hex'), seqs, occurred_ats, ids from audit_log.tiles
        where tenant_id = $1 and level = 0 and tile_index >= $2 order by tile_index limit $3`;
      return (await read(text, [tenantId, fromIndex, limit])).map(leafTileOf);
    },
    restoredEvents: async (tenantId, seq, limit) =>
      (await read(`${selectEvents} where tenant_id = $1 and seq > $2 and seq < 0 order by e.seq limit $3`, [tenantId, seq, limit])).map(eventOfRow),
    find: async (tenantId, occurredAt, id) => {
      const text = `${selectEvents} where tenant_id = $1 and occurred_at = $2 and id = $3`;
      const [row] = await read(text, [tenantId, occurredAt, id]);
      return row === undefined ? undefined : eventOfRow(row);
    },
    upperTiles: async (tenantId) => {
      const text = "select level, tile_index, encode(hashes, 'hex') from audit_log.tiles where tenant_id = $1 and level > 0 order by level, tile_index";
      return (await read(text, [tenantId])).map(([level, index, hashes]): UpperTile => ({
        level: Number(level),
        index: Number(index),
        hashes: Buffer.from(hashes ?? "", "hex"),
      }));
    },
    close: async () => void await Promise.allSettled([first.end(), second.end()]),
  };
}

/** A deletion that began is told of on that day or, where that could not be, on a later one; hot events, since those of the archive are read anyway. */
const archivesSql = `select a.tenant_id, a.day::text, a.state, a.manifest_key, encode(a.manifest_sha256, 'hex'), (a.expiring_at at time zone 'UTC')::date::text,
    a.state = 'deleted' or a.state = 'expiring' and exists (
      select from audit_log.events as e where e.tenant_id = a.tenant_id and e.occurred_at >= date_trunc('day', a.expiring_at, 'UTC')
        and e.event_type = 'audit.archive.expired' and e.object_id = a.day::text
    )
  from audit_log.archives as a where a.archived_at is not null`;

async function readArchives(read: Read, onlyTenantId: string | undefined): Promise<readonly CatalogueEntry[]> {
  const ofTenant = onlyTenantId === undefined ? "" : `and a.tenant_id = '${uuidLiteral(onlyTenantId)}'`;
  return (await read(`${archivesSql} ${ofTenant} order by a.day, a.tenant_id`)).map(catalogueEntryOf);
}

function catalogueEntryOf([tenantId, day, state, key, sha256, expiringOn, isGone]: Texts): CatalogueEntry {
  const manifest = { manifestKey: key ?? "", manifestSha256: Buffer.from(sha256 ?? "", "hex") };
  return {
    tenantId: tenantId as string,
    day: day as string,
    state: state as string,
    ...manifest,
    expiringOn: expiringOn ?? undefined,
    isGone: isGone === "t",
  };
}

async function hasExpired(url: string, roleSql: string, tenantId: string, day: string): Promise<boolean> {
  const client = connection(url);
  await client.connect();
  try {
    await client.query(`begin read only${roleSql}`);
    const [row] = await readWith(client)(`${archivesSql} and a.tenant_id = $1 and a.day = $2`, [tenantId, day]);
    return row !== undefined && catalogueEntryOf(row).isGone;
  } finally {
    await client.end();
  }
}

async function readTenants(read: Read, ofTenant: string): Promise<readonly TenantClaims[]> {
  const ids = await read(`select distinct tenant_id from (
      select tenant_id from audit_log.tree_state union select tenant_id from audit_log.checkpoints union select tenant_id from audit_log.tiles
      union select tenant_id from audit_log.seal_problems union select tenant_id from audit_log.tree_problems
    ) as known ${ofTenant} order by tenant_id`);
  const trees = keyed(await read(`select tenant_id, size, encode(root, 'hex') from audit_log.tree_state ${ofTenant}`));
  const checkpoints = keyed(await read(`select ${checkpointColumns} from audit_log.checkpoints ${ofTenant} order by tenant_id, size`));
  const problems = keyed(await read(`select tenant_id, seq, occurred_at, id from audit_log.seal_problems ${ofTenant} order by tenant_id, seq`));
  const treeProblems = keyed(await read(`select tenant_id, problem from audit_log.tree_problems ${ofTenant}`));
  return ids.map(([id]): TenantClaims => {
    const tenantId = id as string;
    const [tree] = trees.get(tenantId) ?? [];
    return {
      tenantId,
      tree: tree === undefined ? undefined : { size: Number(tree[1]), root: Buffer.from(tree[2] ?? "", "hex") },
      checkpoints: (checkpoints.get(tenantId) ?? []).map(storedCheckpointOf),
      sealProblems: (problems.get(tenantId) ?? []).map((row) => ({ seq: Number(row[1]), occurredAt: timeOf(row[2] as string), id: row[3] as string })),
      treeProblem: treeProblems.get(tenantId)?.[0]?.[1] ?? undefined,
    };
  });
}

const checkpointColumns = "tenant_id, note, size, encode(root, 'hex'), signed_at, verifier_key";

function storedCheckpointOf([, note, size, root, signedAt, verifierKey]: Texts): StoredCheckpoint {
  const row = { size: Number(size), root: Buffer.from(root as string, "hex"), signedAt: timeOf(signedAt as string), verifierKey: verifierKey as string };
  return { note: note as string, ...row };
}

function keyed(rows: readonly Texts[]): ReadonlyMap<string, Texts[]> {
  const groups = new Map<string, Texts[]>();
  for (const row of rows) {
    const group = groups.get(row[0] as string);
    if (group === undefined) groups.set(row[0] as string, [row]);
    else group.push(row);
  }
  return groups;
}

const selectEvents = `select ${rowColumns} from audit_log.events as e`;

/** Every event in seq order. A sort of the whole log before its first row would fill the disk: the days' indexes by seq are merged instead. */
async function* readEvents(client: pg.Client, ofTenant: string): AsyncGenerator<readonly PackedEvent[]> {
  await client.query("set local enable_sort = off; set local max_parallel_workers_per_gather = 0");
  yield* copiedRows(client, `${selectEvents} ${ofTenant} order by e.seq`);
}

function leafTileOf([index, hashes, seqs, occurredAts, ids]: Texts): LeafTile {
  return {
    index: Number(index),
    hashes: Buffer.from(hashes ?? "", "hex"),
    seqs: arrayOf(seqs).map(Number),
    occurredAts: arrayOf(occurredAts).map(timeOf),
    ids: arrayOf(ids),
  };
}

/** A one-dimensional array of numbers, UUIDs or times as Postgres prints it: none of them holds a comma, a quote or a brace. */
function arrayOf(text: string | null | undefined): string[] {
  if (text === null || text === undefined || text === "{}") return [];
  return text.slice(1, -1).replaceAll('"', "").split(",");
}

function uuidLiteral(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new Error("verify database: tenant: is not a UUID");
  return text.toLowerCase();
}

import pg from "pg";
import { columnTypes } from "../../../adapters/postgres/column-types.ts";
import type { ImportItem } from "../../../core/import.ts";
import { columnRule, eventOfRecord } from "../../../core/import-record.ts";
import { eventOfRecordVersion } from "../../../core/import-supa-audit.ts";
import { CommandError } from "../failure.ts";
import type { Mapper } from "./mapping.ts";
import type { ImportFormat, ImportSource } from "./source.ts";

/** Rows of one fetch. */
const pageRows = 1000;

type Column = { readonly name: string; readonly type: string };
type Table = { readonly schema: string; readonly name: string; readonly rows: number; readonly columns: readonly Column[]; readonly key: readonly Column[] };

/**
 * An old log in a table: either seed's `audit_events`, supa_audit's `record_version`, or any table with our columns under other names. It is read in one
 * snapshot, in the order of time, and nothing is changed in it.
 */
export async function openTable(
  url: string,
  named: string | undefined,
  asked: ImportFormat | undefined,
  overrides: ReadonlyMap<string, string>,
  mapper: Mapper,
): Promise<ImportSource> {
  const client = new pg.Client({ connectionString: url, application_name: "audit-events import", types: sourceTypes });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(
      "begin isolation level repeatable read, read only; set local timezone = 'UTC'; set local datestyle = 'ISO'; set local statement_timeout = 0",
    );
    const table = await findTable(client, named);
    const isVersions = ["record_id", "op", "ts", "table_schema", "table_name"].every((name) => table.columns.some((column) => column.name === name));
    const format = asked ?? (isVersions ? "record_version" : "audit_events");
    const time = timeColumn(table, overrides);
    const place = `${client.host}:${client.port}/${client.database}/${table.schema}.${table.name}`;
    return {
      format,
      name: `${client.database} ${table.schema}.${table.name}`,
      fingerprint: place,
      origin: `${table.schema}.${table.name}`,
      items: (after) => tableItems(client, table, time, after, format === "record_version" ? versionMapper(mapper) : mapper.map),
      expected: () => table.rows,
      close: () => client.end(),
    };
  } catch (fault) {
    await client.end();
    throw fault;
  }
}

const known = [["public", "audit_events"], ["audit", "record_version"]] as const;

async function findTable(client: pg.Client, named: string | undefined): Promise<Table> {
  const [schema, name] = named === undefined
    ? []
    : named.includes(".")
    ? [named.slice(0, named.indexOf(".")), named.slice(named.indexOf(".") + 1)]
    : ["public", named];
  const wanted = schema === undefined || name === undefined ? known : [[schema, name] as const];
  // Our own view public.audit_events is no old log.
  const { rows } = await client.query<{ schema: string; name: string; oid: number; rows: number }>(
    `select n.nspname as schema, c.relname as name, c.oid::int8 as oid, greatest(c.reltuples, 0)::int8 as rows
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[])) and c.relkind in ('r', 'p', 'v', 'm', 'f')
       and not (c.relkind = 'v' and pg_get_viewdef(c.oid) ~ 'audit_log\\.events')`,
    [wanted.map(([each]) => each), wanted.map(([, each]) => each)],
  );
  const [found, ...others] = rows;
  if (found === undefined) {
    const names = wanted.map((each) => each.join(".")).join(" nor ");
    throw new CommandError(
      "no_table",
      `find table: the database has ${named === undefined ? "neither " : "no "}${names}`,
      "name the table with --table schema.name",
    );
  }
  if (others.length > 0) {
    throw new CommandError(
      "no_table",
      "find table: the database has more than one that could be meant",
      `choose with --table ${known.map((each) => each.join(".")).join(" or ")}`,
    );
  }
  const columns = await client.query<Column>(
    "select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum",
    [found.oid],
  );
  const key = await client.query<Column>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (attnum, at)
     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum where i.indrelid = $1 and i.indisprimary order by k.at`,
    [found.oid],
  );
  return { ...found, columns: columns.rows, key: key.rows };
}

const timeNames = ["occurred_at", "timestamp", "ts", "created_at", "event_time", "time", "date"];

/** The column that rows are read in the order of: close in time is close in the log, so that a batch touches few days. */
function timeColumn({ columns }: Table, overrides: ReadonlyMap<string, string>): Column {
  const mapped = [...overrides].find(([, field]) => field === "occurred_at" || field === "timestamp")?.[0];
  const named = columns.find(({ name }) => name === mapped);
  if (named !== undefined && !isTime(named)) {
    throw new CommandError(
      "no_time",
      `find time: the column ${named.name} is ${named.type}, which does not sort by time`,
      "make a view in which it is a timestamptz, and name that with --table",
    );
  }
  const found = [mapped, ...timeNames].flatMap((name) => columns.find((column) => column.name === name && isTime(column)) ?? []).at(0);
  if (found !== undefined) return found;
  throw new CommandError(
    "no_time",
    "find time: the table has no column of a time under a name that is known",
    "say which one it is: --map created=occurred_at",
  );
}

function isTime({ type }: Column): boolean {
  return /^(timestamp|date)/.test(type);
}

/** Rows after `place`, through a cursor. A place is the time and the key of the row before, as Postgres prints them; without a time a row comes last. */
async function* tableItems(client: pg.Client, table: Table, time: Column, place: string | undefined, map: Mapper["map"]): AsyncGenerator<ImportItem> {
  const key = table.key.length > 0 ? table.key : [{ name: "ctid", type: "tid" }];
  const when = `coalesce(t.${pg.escapeIdentifier(time.name)}, 'infinity')`;
  const order = [when, ...key.map(({ name }) => `t.${pg.escapeIdentifier(name)}`)];
  const types = [time, ...key].map(({ type }) => type);
  const after = place === undefined ? [] : JSON.parse(place) as string[];
  const where = after.length === 0 ? "" : `where (${order.join(", ")}) > (${after.map((value, at) => `${pg.escapeLiteral(value)}::${types[at]}`).join(", ")})`;
  const from = `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`;
  const row = `t.*, json_build_array(${order.map((each) => `(${each})::text`).join(", ")})::text as "${placeColumn}"`;
  await client.query(`declare old_log no scroll cursor for select ${row} from ${from} as t ${where} order by ${order.join(", ")}`);
  for (;;) {
    const { rows } = await client.query<Record<string, unknown>>(`fetch ${pageRows} from old_log`);
    for (const { [placeColumn]: at, ...record } of rows) {
      const keyText = key.map(({ name }) => name === "ctid" ? JSON.parse(String(at)).at(-1) : String(record[name])).join(", ");
      yield { place: String(at), label: `row ${keyText}`, event: map(record) };
    }
    if (rows.length < pageRows) return;
  }
}

const placeColumn = "import place";

function versionMapper(mapper: Mapper): Mapper["map"] {
  return (record) => {
    for (const [column, value] of Object.entries(record)) if (value !== null) mapper.note(column, versionTargets[column] ?? "context");
    const event = eventOfRecordVersion(record);
    // Its values are read like any other log's: times as Postgres prints them, numbers where text is wanted.
    return eventOfRecord(event, columnRule(Object.keys(event), new Map()));
  };
}

const versionTargets: Readonly<Record<string, string>> = {
  ts: "occurred_at",
  op: "event_type",
  table_schema: "event_type, object_type",
  table_name: "event_type, object_type",
  record_id: "object_id",
  old_record_id: "object_id",
  auth_uid: "actor_id",
};

/** What has a JSON form of its own is read as that; everything else stays the text that Postgres printed, which loses nothing. */
const plainTypes: ReadonlySet<number> = new Set([16, 20, 21, 23, 700, 701, 114, 3802, 1184, 869, 1009, 1015, 1005, 1007, 1016]);
const sourceTypes: pg.CustomTypesConfig = {
  getTypeParser:
    ((oid: number, format?: "text" | "binary") =>
      plainTypes.has(oid) ? columnTypes.getTypeParser(oid, format as "text") : (value: unknown) => value) as typeof pg.types.getTypeParser,
};

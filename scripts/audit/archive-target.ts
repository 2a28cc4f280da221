import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { Pool } from "pg";
import { sha256 } from "../../adapters/sha256.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { inTransaction } from "../../adapters/postgres/transaction.ts";
import { openArchive } from "../../adapters/storage/open-archive.ts";
import { limits } from "../../core/limits.ts";
import type { ArchiveStore, Log, Sha256 } from "../../core/ports.ts";
import { isDay } from "../../core/query-time.ts";
import { CommandError } from "./failure.ts";
import { type LogKeys, readLogKeys } from "./log-keys.ts";
import {
  type DatabaseOptions,
  databaseTarget,
  type Environment,
  type LocalFile,
  projectUrlIn,
  readLocalFile,
  secretKeyIn,
  tenantUuid,
  withDatabaseTarget,
} from "./target.ts";

export type ArchiveOptions = DatabaseOptions & {
  readonly archive?: string;
  readonly key?: readonly string[];
  readonly rotation?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
};

/** An archive with the database that knows of it, and the keys whose signatures are believed. */
export type ArchiveTarget = LogKeys & {
  readonly pool: Pool;
  readonly archive: ArchiveStore;
  readonly sha256: Sha256;
  close(): Promise<void>;
};

export const quiet: Log = () => {};

/** Gives a command the options that say which archive it works on, and which days of it. */
export function withArchiveTarget(command: Command): Command {
  withDatabaseTarget(command)
    .option("--archive <url>", "file:<folder> or supabase:<bucket>; with --local its folder, else AUDIT_ARCHIVE_URL")
    .option(
      "--key <vkey>",
      "trust this key (repeatable); else the stack's, or those that the database names",
      collect,
    )
    .option(
      "--rotation <file>",
      "trust keys that handed over to it too: a key rotation statement, or a bundle of checkpoints, which holds them (repeatable); those of the database are followed anyway",
      collect,
    );
  return withDays(command);
}

/** Gives a command the options that say which archived days it is about. */
export function withDays(command: Command): Command {
  return command.option("--tenant <id>", "only this tenant", tenantUuid)
    .option("--from <day>", "first UTC day, YYYY-MM-DD", utcDay)
    .option("--to <day>", "last UTC day, included", utcDay)
    .option("--json", "answer as JSON");
}

/** Opens database and archive that the options or the environment name. */
export async function openArchiveTarget(
  options: ArchiveOptions,
  environment: Environment = process.env,
): Promise<ArchiveTarget> {
  const local = options.local === undefined ? undefined : readLocalFile(options.local);
  const archive = namedArchive(options, local, environment);
  const pool = createPool({ databaseUrl: databaseTarget(options, environment), databasePoolSize: 2 }, quiet);
  try {
    const given = options.key ?? (local === undefined ? undefined : [local.log_key]);
    return { pool, archive, sha256, ...await readLogKeys(pool, given, options.rotation ?? []), close: () => pool.end() };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** The archive of these options; a CommandError says what of it is not given, or is no address of one. */
function namedArchive(options: ArchiveOptions, local: LocalFile | undefined, environment: Environment): ArchiveStore {
  const inFolder = options.local === undefined ? undefined : `file:${join(options.local, "archive")}`;
  const archiveUrl = options.archive ?? inFolder ?? (environment["AUDIT_ARCHIVE_URL"] || undefined);
  if (archiveUrl === undefined) {
    throw new CommandError("no_archive", "find archive: none is given", "give --archive file:<folder> or supabase:<bucket>, or set AUDIT_ARCHIVE_URL");
  }
  if (!/^(file|supabase):./.test(archiveUrl)) {
    const name = options.archive === undefined ? "AUDIT_ARCHIVE_URL" : "--archive";
    throw new CommandError(
      "invalid_archive",
      `read ${name}: it is neither file:<folder> nor supabase:<bucket>`,
      "name the place as the archiver's settings do",
    );
  }
  const secretKey = secretKeyIn(environment) ?? local?.secret_key;
  const supabaseUrl = projectUrlIn(environment);
  if (archiveUrl.startsWith("supabase:") && (secretKey === undefined || supabaseUrl === undefined)) {
    throw new CommandError(
      "no_archive",
      `open bucket ${archiveUrl.slice("supabase:".length)}: its project's address or secret key is not given`,
      "set AUDIT_URL and AUDIT_SECRET_KEY (or SUPABASE_URL and SUPABASE_SECRET_KEY)",
    );
  }
  const secretKeys = new Map(secretKey === undefined ? [] : [["default", secretKey]]);
  return openArchive({ archiveUrl, supabaseUrl: supabaseUrl ?? "", secretKeys }) as ArchiveStore;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** An option's value that must be a day of the calendar. */
export function utcDay(value: string): string {
  if (isDay(value)) return value;
  throw new InvalidArgumentError("It is no day; write it as 2026-03-01.");
}

/** A range of days that holds none is a slip of its author, and no question that "nothing" answers. */
export function refuseEmptyRange(from: string, to: string): void {
  if (from > to) throw new CommandError("no_range", `read --from and --to: ${from} is after ${to}`, "give the first day with --from, the last with --to");
}

/** A row of the catalogue, as an operator sees it. */
export type CatalogueRow = {
  readonly tenant_id: string;
  readonly day: string;
  readonly state: string;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number | null;
  readonly manifest_key: string | null;
  readonly manifest_sha256: Uint8Array | null;
  readonly archived_at: string | null;
  readonly expires_at: string | null;
  readonly problem: string | null;
};

const reading = { role: "audit_job", action: "read catalogue", statementTimeoutMs: limits.archiveStatementTimeoutMs, log: quiet } as const;

/** The catalogue's rows for these options, oldest day first, at most `limit`. */
export async function readCatalogue(pool: Pool, options: ArchiveOptions, limit: number): Promise<readonly CatalogueRow[]> {
  const text = `select a.tenant_id, a.day::text, a.state, a.rows, a.files, a.bytes, a.manifest_key, a.manifest_sha256, a.archived_at, a.expires_at,
      coalesce(a.problem, f.problem, d.problem) as problem
    from audit_log.archives as a
    left join audit_log.archive_days as d on d.day = a.day
    left join lateral (
      select f.problem from audit_log.archive_files as f where f.tenant_id = a.tenant_id and f.day = a.day and f.problem is not null order by f.part limit 1
    ) as f on true
    where ($1::uuid is null or a.tenant_id = $1) and ($2::date is null or a.day >= $2) and ($3::date is null or a.day <= $3)
    order by a.day, a.tenant_id limit $4`;
  const values = [options.tenant ?? null, options.from ?? null, options.to ?? null, limit];
  return await inTransaction(pool, reading, (transaction) => transaction.rows<CatalogueRow>(text, values));
}

/** A day that an import keeps open, for every tenant, until then at least: it may go on until the day is closed. */
export type OpenDay = { readonly day: string; readonly until: string };

/** The days of these options that an import keeps open now, oldest first, at most `limit`; without the import's own, of which it tells in the log. */
export async function readOpenDays(pool: Pool, { from, to }: ArchiveOptions, limit: number): Promise<readonly OpenDay[]> {
  const text = `select i.day::text, i.imported_at + interval '24 hours' as until from audit_log.imported_days as i
    where i.imported_at > clock_timestamp() - interval '24 hours' and i.day < (i.imported_at at time zone 'UTC')::date - 1
      and not exists (select from audit_log.closed_days as c where c.day = i.day) and ($1::date is null or i.day >= $1) and ($2::date is null or i.day <= $2)
    order by i.day limit $3`;
  return await inTransaction(pool, reading, (transaction) => transaction.rows<OpenDay>(text, [from ?? null, to ?? null, limit]));
}

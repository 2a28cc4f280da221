import { randomBytes } from "node:crypto";
import { Command, Option } from "commander";
import { createImportStore } from "../../adapters/postgres/import-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { sha256 } from "../../adapters/sha256.ts";
import { importIdOf } from "../../core/import-id.ts";
import type { ImportStore } from "../../core/import-store.ts";
import { type ImportCounts, type ImportParts, type ImportSettings, noCounts, runImport } from "../../core/import.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { CommandError } from "./failure.ts";
import { dryRun } from "./import/dry-run.ts";
import { openFiles } from "./import/files.ts";
import { createMapper, type Mapper, overridesOf } from "./import/mapping.ts";
import { openRefusals, type Refusals } from "./import/refusals.ts";
import { type ImportReport, reportText } from "./import/report.ts";
import { type ImportFormat, importFormats, type ImportSource } from "./import/source.ts";
import { openTable } from "./import/tables.ts";
import { watchDays } from "./import/watch-days.ts";
import { interruption } from "./interrupt.ts";
import { startProgress } from "./progress.ts";
import { type DatabaseOptions, databaseTarget, localTenant, readLocalFile, tenantUuid, withDatabaseTarget } from "./target.ts";

type Options = DatabaseOptions & {
  readonly format?: ImportFormat;
  readonly table?: string;
  readonly map?: readonly string[];
  readonly dryRun?: boolean;
  readonly again?: boolean;
  readonly keepIdentical?: boolean;
  readonly refused?: string;
  readonly json?: boolean;
};

const help = `
Sources: a file of NDJSON or CSV (.gz too; fields divided by commas, semicolons
or tabs), a folder of CloudTrail files, or the postgresql:// URL of a database
with either audit_events table or supa_audit's record_version. A password may
stand in PGPASSWORD instead.

Columns under our names and aliases become fields, all others keys of the
context; see --dry-run. Events keep their time, however old. Days that are
archived take no more. Run it again after a stop: it goes on, doubling nothing.`;

/** `audit-events import`: takes the history of another log over into this one. */
export function importCommand(): Command {
  const command = withDatabaseTarget(
    new Command("import").description("Take over another log, into the days it belongs to").argument("<source>", "file, folder, or URL of a database")
      .addHelpText("after", help),
  )
    .option("--tenant <id>", "tenant of all records (with --local also by its name); else each record names its own")
    .addOption(new Option("--format <format>", "default: by the name, or by the table's columns").choices([...importFormats]))
    .option("--table <name>", "table to read; default: whichever of the known ones there is")
    .option("--map <column=field>", "take a column for a field (repeatable); column= keeps it in the context", collect)
    .option("--dry-run", "read and check everything, tell where columns go, store nothing")
    .option("--again", "begin from the front although it was imported")
    .option("--keep-identical", "records without an id that are the same to the letter are separate events, told apart by their place")
    .option("--refused <file>", "write every refused record's place and reasons here, as NDJSON")
    .option("--json", "tell the outcome as JSON")
    .action(run);
  return withExamples(
    command,
    "import old.ndjson --local .audit --dry-run",
    "import $OLD_DATABASE_URL --tenant $TENANT --map user=actor_id",
    "import cloudtrail/ --tenant $TENANT --refused refused.ndjson",
  );
}

async function run(path: string, options: Options): Promise<void> {
  const overrides = overridesOf(options.map ?? []);
  const mapper = createMapper(overrides);
  const tenantId = tenantOf(options);
  const databaseUrl = databaseTarget(options);
  const refusals = openRefusals(options.refused);
  const source = /^postgres(ql)?:\/\//.test(path)
    ? await openTable(path, options.table, options.format, overrides, mapper)
    : await openFiles(path, options.format, mapper);
  const pool = createPool({ databaseUrl, databasePoolSize: 1 }, () => {});
  try {
    requireTenant(source, tenantId);
    const identity = {
      source: source.fingerprint,
      format: source.format,
      tenant: tenantId ?? null,
      map: options.map ?? [],
      identical: options.keepIdentical === true,
    };
    const importId = importIdOf(identity, sha256);
    const settings = { importId, tenantId, origin: source.origin, keepIdentical: options.keepIdentical === true };
    const report = await work({ source, mapper, settings, store: createImportStore(pool, () => {}), refusals, options });
    console.log(options.json ? JSON.stringify(report) : reportText(report));
    process.exitCode = report.status === "stopped" ? exitCodes.interrupted : report.counts.refused > 0 ? exitCodes.bad : exitCodes.done;
  } finally {
    refusals.close();
    await source.close();
    await pool.end();
  }
}

type Work = {
  readonly source: ImportSource;
  readonly mapper: Mapper;
  readonly settings: ImportSettings;
  readonly store: ImportStore;
  readonly refusals: Refusals;
  readonly options: Options;
};

async function work({ source, mapper, settings, store, refusals, options }: Work): Promise<ImportReport> {
  const parts: ImportParts = { now: () => new Date(), elapsedMs: () => performance.now(), sha256, randomBytes };
  const signal = interruption();
  const days = watchDays();
  const outcome = (status: ImportReport["status"], counts: ImportCounts): ImportReport => ({
    status,
    import_id: settings.importId,
    source: source.name,
    format: source.format,
    counts,
    days: days.summary(),
    columns: mapper.columns(),
    refused: refusals.first(),
  });
  const total = (counts: ImportCounts) => counts.created + counts.duplicate + counts.refused;
  if (options.dryRun) {
    const closedDays = await store.closedDays();
    const progress = startProgress("records", source.expected);
    const step = (counts: ImportCounts) => progress.update(total(counts));
    const counts = await dryRun(days.watch(source.items(undefined)), settings, closedDays, parts, refusals, step, signal);
    progress.finish();
    return outcome(signal.aborted ? "stopped" : "dry_run", counts);
  }
  const about = { id: settings.importId, tenantId: settings.tenantId, source: source.name, format: source.format };
  const state = await store.begin(about, options.again === true);
  let counts = { ...noCounts, ...state.counts } as ImportCounts;
  // A file that was read to its end is read; a table may have grown since.
  if (state.finishedAt !== undefined && source.origin === "") return outcome("already_imported", counts);
  const done = total(counts);
  const progress = startProgress("records", source.expected, undefined, done);
  if (state.place !== undefined && !options.json) console.error(`Going on after ${done.toLocaleString("en")} records.`);
  const start = { place: state.place, counts, source: source.name, format: source.format };
  for await (const stored of runImport(days.watch(source.items(state.place)), start, settings, store, parts, signal)) {
    ({ counts } = stored);
    refusals.add(stored.refusals);
    progress.update(total(counts));
  }
  progress.finish();
  return outcome(signal.aborted ? "stopped" : "imported", counts);
}

function tenantOf(options: Options): string | undefined {
  if (options.tenant === undefined) return undefined;
  return options.local === undefined ? tenantUuid(options.tenant) : localTenant(readLocalFile(options.local), options.tenant).id;
}

/** Formats that know nothing of tenants need one from whoever imports: better told once than with every record. */
function requireTenant({ format }: ImportSource, tenantId: string | undefined): void {
  if (tenantId !== undefined || !["cloudtrail", "record_version"].includes(format)) return;
  throw new CommandError("tenant_required", `import ${format}: its records name no tenant`, "say whose they are with --tenant");
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

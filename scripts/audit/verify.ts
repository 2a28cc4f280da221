import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { followRotations, type KeyRing } from "../../verify/keys.ts";
import type { EventRecord } from "../../verify/leaf.ts";
import { parseJson } from "../../verify/json.ts";
import { verifyLog } from "../../verify/log.ts";
import { verifyReceipt } from "../../verify/receipt.ts";
import type { LogReport } from "../../verify/report.ts";
import { ArchiveFault } from "../../core/archive-fault.ts";
import { withArchivedDays } from "./archived-log.ts";
import { openDatabaseLog } from "./database-source.ts";
import { withExamples } from "./examples.ts";
import { readExport } from "./export-source.ts";
import { CommandError, explain, failureText } from "./failure.ts";
import { findKept, type Kept, keptRotations, openKept } from "./kept-checkpoints.ts";
import { nativeHash } from "./native-hash.ts";
import { reportText } from "./print-report.ts";
import { printable, printableLines } from "./table.ts";
import { startProgress } from "./progress.ts";
import { databaseTarget, hasDatabase, readLocalFile } from "./target.ts";

type Options = {
  readonly database?: string;
  readonly local?: string;
  readonly export?: string;
  readonly receipt?: string;
  readonly event?: string;
  readonly archive?: string;
  readonly key?: readonly string[];
  readonly checkpoint?: readonly string[];
  readonly bundles?: string;
  readonly rotation?: readonly string[];
  readonly tenant?: string;
  readonly json?: boolean;
};

/** Exit codes: scripts that watch a log must tell a changed log from a check that could not be made. */
export const exitCodes = { sound: 0, tampered: 1, unchecked: 2 } as const;

const help = `
What: --local, --database, --export or --receipt, or else the log in
AUDIT_DATABASE_URL or SUPABASE_DB_URL.

Exit code 0: sound. 1: tampered. 2: could not be checked.`;

/** `audit-events verify`: checks a log, an export or a receipt with code that shares nothing with what wrote it. */
export function verifyCommand(): Command {
  const command = new Command("verify")
    .description("Recompute every leaf and every root, and compare them with what was signed")
    .option("--database <url>", "verify the log in this database (the primary, not a replica)")
    .option("--local <dir>", "verify the log of the local stack whose local.json is in this folder")
    .option("--archive <url>", "where its archived days are: file:<folder> or supabase:<bucket>; with --local its folder, else AUDIT_ARCHIVE_URL")
    .option("--export <file>", "verify an exported log, one JSON object a line")
    .option("--receipt <file>", "verify the receipt of one event (.tlog-proof)")
    .option("--event <file>", "the event that the receipt is for, as JSON; without it the receipt's own is printed")
    .option("--key <vkey>", "trust this key (repeatable); without it the log's own keys are used, which proves less", collect)
    .option("--checkpoint <file>", "a checkpoint or a bundle of them kept from before (repeatable)", collect)
    .option("--bundles <dir>", "every bundle of checkpoints in this folder of the archive")
    .option("--rotation <file>", "a key rotation statement (repeatable); those of the log are used too", collect)
    .option("--tenant <id>", "only this tenant's log", tenantId)
    .option("--json", "print the report as JSON")
    .addHelpText("after", help)
    .action(async (options: Options) => {
      process.exitCode = await runVerify(options).catch((fault: unknown) => {
        const failure = explain(fault);
        if (options.json) console.log(JSON.stringify({ ...failure, status: "unchecked" }));
        console.error(`could not be checked: ${failureText(failure)}`);
        return exitCodes.unchecked;
      });
    });
  return withExamples(
    command,
    "verify --local .audit",
    "verify --database $URL --key $LOG_KEY --bundles kept/",
    "verify --receipt order.tlog-proof --key $LOG_KEY",
  );
}

async function runVerify(options: Options): Promise<number> {
  const inputs = [options.database, options.local, options.export, options.receipt].filter((input) => input !== undefined);
  const howTo = "give one of --local, --database, --export, --receipt, or set AUDIT_DATABASE_URL";
  if (inputs.length > 1) throw new CommandError("no_target", `find log: ${inputs.length} are named`, howTo);
  if (inputs.length === 0 && !hasDatabase()) throw new CommandError("no_target", "find log: none is named", howTo);
  const rotations = (options.rotation ?? []).map((file) => readFileSync(file, "utf8"));
  if (options.receipt !== undefined) return await verifyReceiptFile(options, options.receipt, rotations);
  const kept = findKept(options.checkpoint ?? [], options.bundles);
  const known = [...rotations, ...keptRotations(kept)];
  if (options.export !== undefined) return await verifyExportFile(options, options.export, known, kept);
  return await verifyDatabase(options, known, kept);
}

async function verifyDatabase(options: Options, rotations: readonly string[], kept: Kept): Promise<number> {
  const local = options.local === undefined ? undefined : readLocalFile(options.local);
  const log = await openDatabaseLog(databaseTarget(options), options.tenant);
  let closeArchive = () => Promise.resolve();
  try {
    // local.json is written by the stack, apart from the database: its key is no claim of the log's.
    const trusted = options.key ?? (local?.log_key === undefined ? log.keys : [local.log_key]);
    const isIndependent = trusted !== log.keys;
    const ring = await ringOf(trusted, [...log.rotations, ...rotations]);
    // Archives were signed by the keys of their time, whichever of the log's keys was named.
    const { log: whole, close } = await withArchivedDays(log, { ...options, key: ring.keys.map(({ text }) => text), rotation: [] });
    closeArchive = close;
    const { expected, faults } = await openKept(kept, ring);
    const progress = startProgress("events", log.eventCount);
    const report = await verifyLog(whole, {
      ring,
      expected: options.tenant === undefined ? expected : expected.filter((note) => note.split("\n")[0]?.endsWith(`/${options.tenant}`)),
      faults,
      hash: nativeHash,
      progress: progress.update,
    });
    progress.finish();
    return printed(report, options, isIndependent, expected.length);
  } catch (fault) {
    // An archive that is not what was signed is a changed log, not a check that could not be made.
    if (!(fault instanceof ArchiveFault)) throw fault;
    console.log(options.json ? JSON.stringify({ status: "tampered", message: fault.message }) : `TAMPERED\n${fault.message}`);
    return exitCodes.tampered;
  } finally {
    await closeArchive();
    await log.close();
  }
}

async function verifyExportFile(options: Options, file: string, rotations: readonly string[], kept: Kept): Promise<number> {
  const log = await readExport(file);
  if (options.key === undefined && log.keys.length === 0) throw new Error("verify export: key: the export carries none: give the log's with --key");
  const ring = await ringOf(options.key ?? log.keys, [...log.rotations, ...rotations]);
  const { expected, faults } = await openKept(kept, ring);
  const progress = startProgress("events", 0);
  const report = await log.verify({ ring, expected, faults, hash: nativeHash, progress: progress.update });
  progress.finish();
  return printed(report, options, options.key !== undefined, expected.length);
}

async function verifyReceiptFile(options: Options, file: string, rotations: readonly string[]): Promise<number> {
  if (options.key === undefined) throw new Error("verify receipt: key: give the log's with --key; a receipt cannot vouch for its own");
  const ring = await ringOf(options.key, rotations);
  const receipt = readFileSync(file, "utf8");
  const event = options.event === undefined ? undefined : parseJson(readFileSync(options.event, "utf8")) as EventRecord;
  try {
    const proven = await verifyReceipt(receipt, ring, event, nativeHash);
    const { origin, size, signedAt, key } = proven.checkpoint;
    const answer = { status: "sound", index: proven.index, origin, size, signed_at: signedAt.toISOString(), key, event: proven.event };
    console.log(
      options.json
        ? JSON.stringify(answer)
        : printableLines(`SOUND\nevent ${proven.index} of ${origin}, signed ${answer.signed_at} by ${key}\n${JSON.stringify(proven.event, null, 2)}`),
    );
    return exitCodes.sound;
  } catch (fault) {
    const message = (fault as Error).message;
    console.log(options.json ? JSON.stringify({ status: "tampered", message }) : `TAMPERED\n${printable(message)}`);
    return exitCodes.tampered;
  }
}

async function ringOf(trusted: readonly string[], rotations: readonly string[]): Promise<KeyRing> {
  if (trusted.length === 0) throw new Error("verify: key: the log names none: give it with --key");
  return await followRotations(trusted, rotations);
}

function printed(report: LogReport, options: Options, isIndependent: boolean, keptCount: number): number {
  const notes = [
    ...(isIndependent ? [] : ["not independent: the keys are the log's own; give the one you know with --key"]),
    ...(keptCount > 0
      ? []
      : ["not compared with any checkpoint kept elsewhere: a log rolled back with its checkpoints would not show (--checkpoint, --bundles)"]),
  ];
  if (options.json) {
    console.log(JSON.stringify({ status: statusOf(report), independent: isIndependent, kept_checkpoints: keptCount, ...report }));
  } else console.log(reportText(report, notes));
  return exitCodes[statusOf(report)];
}

function statusOf(report: LogReport): keyof typeof exitCodes {
  if (report.finding_count > 0) return "tampered";
  return report.sound ? "sound" : "unchecked";
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function tenantId(value: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) throw new InvalidArgumentError("It is not a UUID.");
  return value.toLowerCase();
}

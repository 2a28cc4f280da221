import { limits } from "./limits.ts";
import type { JobFigures, OperationsFigures, OperationsReader } from "./operations.ts";
import type { ArchiveStore } from "./ports.ts";
import { schemaVersion } from "./schema-version.ts";

/** One thing that was looked at. Reasons name no tenant, no value and no message of the database: whoever asks is not known. */
export type Check = { readonly status: "ok" | "warning" | "fault"; readonly reason?: string };

/**
 * What a process can do. `not_ready` when a check is a fault: requests would fail here, so they should go elsewhere. `degraded` when a check is a
 * warning: requests are served as ever, and somebody has to look. A sealer that has stopped is no reason to take the door out of service.
 */
export type Readiness = { readonly status: "ready" | "degraded" | "not_ready"; readonly checks: Readonly<Record<string, Check>> };

export type ReadinessParts = {
  readonly operations: OperationsReader;
  readonly archive: Pick<ArchiveStore, "list"> | undefined;
  readonly now: () => Date;
  readonly stopping: AbortSignal;
};

/** Looks at everything. Callers within a second share one answer: `/readyz` is open to everybody, and must not be a way to keep the database busy. */
export function createReadiness(parts: ReadinessParts): () => Promise<Readiness> {
  let last: { readonly atMs: number; readonly answer: Promise<Readiness> } | undefined;
  return () => {
    const atMs = parts.now().getTime();
    if (parts.stopping.aborted) return Promise.resolve(judged({ process: { status: "fault", reason: "it is stopping" } }));
    if (last === undefined || atMs - last.atMs >= limits.readinessSharedMs || atMs < last.atMs) last = { atMs, answer: look(parts) };
    return last.answer;
  };
}

async function look({ operations, archive, now }: ReadinessParts): Promise<Readiness> {
  const archiveCheck = checkArchive(archive);
  const [version, figures] = await Promise.allSettled([operations.schemaVersion(), operations.figures()]);
  const migrations = version.status === "fulfilled" ? checkMigrations(version.value) : undefined;
  if (migrations === undefined || (figures.status === "rejected" && migrations.status === "ok")) {
    return judged({ database: { status: "fault", reason: "it does not answer" }, archive: await archiveCheck });
  }
  const database: Check = { status: "ok" };
  // Figures need what the missing migration brings: what they would tell cannot be told.
  if (figures.status === "rejected") return judged({ database, migrations, archive: await archiveCheck });
  const at = now();
  return judged({
    database,
    migrations,
    partitions: checkPartitions(figures.value, at),
    sealing: checkSealing(figures.value, at),
    jobs: checkJobs(figures.value.jobs, at),
    archiving: checkArchiving(figures.value),
    archive: await archiveCheck,
  });
}

function judged(checks: Readonly<Record<string, Check>>): Readiness {
  const all = Object.values(checks);
  const has = (status: Check["status"]) => all.some((check) => check.status === status);
  return { status: has("fault") ? "not_ready" : has("warning") ? "degraded" : "ready", checks };
}

function checkMigrations(version: string | undefined): Check {
  if (version === undefined) return { status: "ok", reason: "the database keeps no record of them" };
  if (version >= schemaVersion) return { status: "ok" };
  return { status: "fault", reason: `the database is at ${version}, this version needs ${schemaVersion}` };
}

/** Days from today on that are there without a gap; 0 when today's is missing. */
export function partitionsAhead({ hotDays }: Pick<OperationsFigures, "hotDays">, now: Date): number {
  const days = new Set(hotDays);
  let count = 0;
  while (days.has(new Date(now.getTime() + count * 86_400_000).toISOString().slice(0, 10))) count++;
  return count;
}

function checkPartitions(figures: OperationsFigures, now: Date): Check {
  const ahead = partitionsAhead(figures, now);
  if (ahead >= limits.partitionsAheadMin) return { status: "ok" };
  const missing = new Date(now.getTime() + ahead * 86_400_000).toISOString().slice(0, 10);
  return { status: "warning", reason: `the day ${missing} has no partition yet; the first event of that day will make it, and wait for a lock` };
}

/** How long the first event that is not sealed has been waiting. */
export function sealLagMs({ unsealedSince }: Pick<OperationsFigures, "unsealedSince">, now: Date): number {
  return unsealedSince === undefined ? 0 : Math.max(0, now.getTime() - Date.parse(unsealedSince));
}

function checkSealing(figures: OperationsFigures, now: Date): Check {
  if (figures.sealProblems > 0) {
    return { status: "warning", reason: `${figures.sealProblems} events or trees were changed before they were sealed: run verify` };
  }
  const lagMs = sealLagMs(figures, now);
  if (lagMs <= limits.sealLagMaxMs) return { status: "ok" };
  const held = figures.gateSince !== undefined && now.getTime() - Date.parse(figures.gateSince) > limits.sealLagMaxMs;
  const why = held ? `a transaction that has been open since ${figures.gateSince} holds it up` : "the sealer does not run, or cannot keep up";
  return { status: "warning", reason: `events have been waiting for ${Math.floor(lagMs / 1000)} s to be sealed: ${why}` };
}

/** How long each job may go without a success: some of its periods. A job that is not here is judged by its failures alone. */
const patienceMs: Readonly<Record<string, number>> = {
  "partitions": 3 * 3_600_000,
  "clean-up": 3_600_000,
  "audit-sealer": 600_000,
  "audit-retention": 26 * 3_600_000,
};

function checkJobs(jobs: readonly JobFigures[], now: Date): Check {
  const problems = jobs.flatMap(({ job, failures, failedAt, succeededAt }) => {
    if (failures > 0) return [`${job} has failed ${failures} times in a row, last at ${timeText(failedAt)}`];
    const patience = patienceMs[job];
    if (patience === undefined || succeededAt === undefined || now.getTime() - Date.parse(succeededAt) <= patience) return [];
    return [`${job} has not run since ${timeText(succeededAt)}`];
  });
  return problems.length === 0 ? { status: "ok" } : { status: "warning", reason: `${problems.join("; ")}; audit_log.job_outcomes says why` };
}

function checkArchiving({ archiveProblems }: OperationsFigures): Check {
  if (archiveProblems === 0) return { status: "ok" };
  return {
    status: "warning",
    reason: `${archiveProblems} days, archives or files could not go on when last tried; audit_log.archives and its neighbours say why`,
  };
}

async function checkArchive(archive: ReadinessParts["archive"]): Promise<Check> {
  if (archive === undefined) return { status: "ok", reason: "none is set" };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), limits.archiveProbeMs));
  const probe = archive.list("", { limit: 1 }).then(() => "ok" as const, () => "refused" as const);
  const outcome = await Promise.race([probe, late]);
  clearTimeout(timer);
  return outcome === "ok"
    ? { status: "ok" }
    : { status: "warning", reason: outcome === "late" ? "the store does not answer in time" : "the store cannot be read" };
}

function timeText(time: string | undefined): string {
  return time === undefined ? "an unknown time" : new Date(time).toISOString();
}

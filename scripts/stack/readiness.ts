import pg from "pg";
import type { Check } from "../../core/readiness.ts";
import type { Routes, StackReadiness } from "./gateway.ts";

export type ReadinessSources = {
  /** URL of the login `postgres`; undefined before the database is up for the first time. */
  databaseUrl(): string | undefined;
  /** Versions that must have been applied; undefined before they have. */
  migrations(): readonly string[] | undefined;
  /** Every other part, and whether it runs. */
  parts(): readonly { readonly name: string; readonly running: boolean }[];
  /** Port of the query service; undefined while it is down. */
  apiPort(): number | undefined;
  /** True once the start is complete. */
  started(): boolean;
};

/** The check behind `/readyz`: asks the database each time, since a process that runs may still refuse to answer; callers at once share one question. */
export function createReadiness(sources: ReadinessSources): Routes["readiness"] {
  let asking: ReturnType<typeof check> | undefined;
  return () => asking ??= check(sources).finally(() => asking = undefined);
}

async function check(sources: ReadinessSources): Promise<StackReadiness> {
  const [applied, reported] = await Promise.all([appliedVersions(sources.databaseUrl()), reportedByApi(sources.apiPort())]);
  const wanted = sources.migrations();
  const migrated = wanted !== undefined && applied !== undefined && wanted.every((version) => applied.has(version));
  const checks: Record<string, Check> = { database: standing(applied !== undefined, "it is down"), migrations: standing(migrated, "some are pending") };
  for (const { name, running } of sources.parts()) checks[name] = standing(running, "it is down");
  const ready = sources.started() && Object.values(checks).every(({ status }) => status === "ok");
  return { ready, checks: { ...reported, ...checks } };
}

function standing(isWell: boolean, reason: string): Check {
  return isWell ? { status: "ok" } : { status: "fault", reason };
}

/** What the query service says of the log as a whole: days ahead, sealing, jobs, the archive. Nothing while it does not answer. */
async function reportedByApi(port: number | undefined): Promise<Readonly<Record<string, Check>>> {
  if (port === undefined) return {};
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return (await answer.json() as { readonly checks?: Readonly<Record<string, Check>> }).checks ?? {};
  } catch {
    return {};
  }
}

async function appliedVersions(url: string | undefined): Promise<ReadonlySet<string> | undefined> {
  if (url === undefined) return undefined;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>("select version from supabase_migrations.schema_migrations");
    return new Set(rows.map((row) => row.version));
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => {});
  }
}

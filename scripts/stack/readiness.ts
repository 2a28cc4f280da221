import pg from "pg";
import type { Routes } from "./gateway.ts";

export type ReadinessSources = {
  /** URL of the login `postgres`; undefined before the database is up for the first time. */
  databaseUrl(): string | undefined;
  /** Versions that must have been applied; undefined before they have. */
  migrations(): readonly string[] | undefined;
  /** Every other part, and whether it runs. */
  parts(): readonly { readonly name: string; readonly running: boolean }[];
  /** True once the start is complete. */
  started(): boolean;
};

/** The check behind `/readyz`: asks the database each time, since a process that runs may still refuse to answer; callers at once share one question. */
export function createReadiness(sources: ReadinessSources): Routes["readiness"] {
  let asking: ReturnType<typeof check> | undefined;
  return () => asking ??= check(sources).finally(() => asking = undefined);
}

async function check(sources: ReadinessSources): Promise<Awaited<ReturnType<Routes["readiness"]>>> {
  const applied = await appliedVersions(sources.databaseUrl());
  const wanted = sources.migrations();
  const migrated = wanted !== undefined && applied !== undefined && wanted.every((version) => applied.has(version));
  const checks: Record<string, string> = {
    database: applied === undefined ? "down" : "ok",
    migrations: migrated ? "ok" : "pending",
  };
  for (const { name, running } of sources.parts()) checks[name] = running ? "ok" : "down";
  return { ready: sources.started() && Object.values(checks).every((value) => value === "ok"), checks };
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

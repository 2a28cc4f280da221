import pg from "pg";
import type { Migration } from "../stack/migrate.ts";
import { checkBucket } from "./check-bucket.ts";
import { checkCli } from "./check-cli.ts";
import { checkDatabase } from "./check-database.ts";
import { checkDatabaseUrl } from "./check-database-url.ts";
import { checkSecretKey, checkTokenKeys } from "./check-keys.ts";
import { checkSchedule } from "./check-schedule.ts";
import { checkSettings } from "./check-settings.ts";
import { finder, type Finding } from "./finding.ts";

/** A project as its operator names it. */
export type Project = {
  readonly ref: string | undefined;
  readonly url: string;
  /** Direct connection or session pooler; undefined when it was not given. */
  readonly databaseUrl: string | undefined;
  readonly secretKey: string | undefined;
  /** What the functions are given. */
  readonly settings: Readonly<Record<string, string | undefined>>;
};

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 10_000;

/** Every check. Changes nothing: the database is read in a read-only transaction. */
export async function examine(project: Project, migrations: readonly Migration[]): Promise<readonly Finding[]> {
  const { ref, url, secretKey, settings } = project;
  const [cli, bySettings, tokens, bucket, database] = await Promise.all([
    checkCli(),
    checkSettings(settings, url, ref),
    checkTokenKeys(url),
    checkBucket(url, secretKey, settings["AUDIT_ARCHIVE_URL"]),
    examineDatabase(project, migrations),
  ]);
  return [...cli, ...bySettings, ...checkSecretKey(secretKey), ...tokens, ...database, ...bucket];
}

async function examineDatabase({ databaseUrl, ref }: Project, migrations: readonly Migration[]): Promise<readonly Finding[]> {
  const { fault, unchecked } = finder("database");
  if (databaseUrl === undefined) return [unchecked("SUPABASE_DB_URL: is not set", "set the direct connection's URL, or the session pooler's (port 5432)")];
  const byAddress = checkDatabaseUrl("SUPABASE_DB_URL", databaseUrl, ref, "migrations");
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectTimeoutMs, statement_timeout: statementTimeoutMs });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("begin read only");
    return [...byAddress, ...await checkDatabase(client, migrations), ...await checkSchedule(client)];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return [...byAddress, fault(`cannot be asked: ${message || code}`, "check SUPABASE_DB_URL: address, password, and that this machine may reach it")];
  } finally {
    await client.end().catch(() => {});
  }
}

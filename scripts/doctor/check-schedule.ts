import type pg from "pg";
import { finder, type Finding } from "./finding.ts";
import { isReadable } from "./is-readable.ts";

/** What each extension is for, and what happens without it. */
const extensions = {
  pg_cron: "nothing runs by itself: call audit-sealer every few seconds and audit-retention at night by another scheduler",
  pg_net: "pg_cron cannot call functions: call audit-sealer every few seconds and audit-retention at night by another scheduler",
  supabase_vault: "the schedule has no place to read its secret key from: call the functions by another scheduler",
} as const;

/** Names of the secrets that the schedule reads. */
export const vaultSecrets = { functionsUrl: "audit_events_functions_url", secretKey: "audit_events_secret_key" } as const;

/** What makes the log run by itself: the extensions, the secrets, the jobs, and how these fared. */
export async function checkSchedule(client: pg.Client): Promise<readonly Finding[]> {
  return [...await checkExtensions(client), ...await checkVault(client), ...await checkJobs(client)];
}

async function checkExtensions(client: pg.Client): Promise<readonly Finding[]> {
  const { ok, pending, warning } = finder("extensions");
  const { rows } = await client.query<{ name: string; installed_version: string | null }>(
    "select name, installed_version from pg_available_extensions where name = any ($1)",
    [Object.keys(extensions)],
  );
  return Object.entries(extensions).map(([name, without]) => {
    const found = rows.find((row) => row.name === name);
    if (found === undefined) return warning(`${name}: is not to be had here: ${without}`);
    if (found.installed_version === null) {
      return pending(`${name}: is not installed`, "the migrations install it; or Database → Extensions, then select audit_log.schedule_jobs()");
    }
    const everyMinute = name === "pg_cron" && isBefore(found.installed_version, 1, 5);
    return everyMinute
      ? warning(`${name} ${found.installed_version}: knows no seconds: events are sealed every minute`, "upgrade the project's PostgreSQL")
      : ok(`${name} ${found.installed_version}`);
  });
}

function isBefore(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(/[.-]/).map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

async function checkVault(client: pg.Client): Promise<readonly Finding[]> {
  const { ok, pending } = finder("Vault");
  if (!await isReadable(client, "vault", "secrets")) return [];
  const { rows } = await client.query<{ name: string }>("select name from vault.secrets where name = any ($1)", [Object.values(vaultSecrets)]);
  const missing = Object.values(vaultSecrets).filter((name) => !rows.some((row) => row.name === name));
  return [missing.length === 0 ? ok("holds both secrets of the schedule") : pending(`holds no ${missing.join(" and no ")}`, "deploy puts them there")];
}

async function checkJobs(client: pg.Client): Promise<readonly Finding[]> {
  const { ok, pending, warning } = finder("jobs");
  if (!await isReadable(client, "audit_log", "job_outcomes")) return [];
  const findings: Finding[] = [];
  if (await isReadable(client, "cron", "job")) {
    const { rows } = await client.query("select from cron.job where jobname like 'audit\\_log %'");
    findings.push(
      rows.length === 0 ? pending("none is scheduled", "deploy schedules them; or select audit_log.schedule_jobs()") : ok(`${rows.length} are scheduled`),
    );
  }
  const { rows: failing } = await client.query<{ job: string; failures: string; problem: string }>(
    "select job, failures, problem from audit_log.job_outcomes where failures > 0 order by job",
  );
  return [...findings, ...failing.map(({ job, failures, problem }) => warning(`${job}: failed ${failures} times since its last success: ${problem}`))];
}

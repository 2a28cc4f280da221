import { vaultSecrets } from "../doctor/check-schedule.ts";
import { secretKeyOf } from "./bucket-step.ts";
import { databaseUrlOf } from "./cli-steps.ts";
import { announce, type Step } from "./deployment.ts";
import { inDatabase } from "./in-database.ts";

/** Tells the schedule where the functions are and with which key to call them, by Vault, and schedules the jobs. */
export const deploySchedule: Step = async (deployment) => {
  const { project, say } = deployment;
  if (!announce(deployment, `put ${Object.values(vaultSecrets).join(" and ")} into Vault, and schedule the jobs`)) return;
  const wanted = { [vaultSecrets.functionsUrl]: `${project.url}/functions/v1`, [vaultSecrets.secretKey]: secretKeyOf(project) };
  // Vault and pg_cron are open to the login, not to roles of ours.
  await inDatabase(databaseUrlOf(project), undefined, async (client) => {
    const { rows: [vault] } = await client.query<{ there: boolean }>("select to_regclass('vault.decrypted_secrets') is not null as there");
    if (vault?.there !== true) return say("  there is no Vault here: call audit-sealer and audit-retention by another scheduler");
    for (const [name, secret] of Object.entries(wanted)) {
      const { rows: [known] } = await client.query<{ id: string; decrypted_secret: string }>(
        "select id, decrypted_secret from vault.decrypted_secrets where name = $1",
        [name],
      );
      if (known === undefined) await client.query("select vault.create_secret($1, $2)", [secret, name]);
      else if (known.decrypted_secret !== secret) await client.query("select vault.update_secret($1, $2)", [known.id, secret]);
    }
    const { rows: [scheduled] } = await client.query<{ jobs: number }>("select audit_log.schedule_jobs() as jobs");
    say(scheduled?.jobs === 0 ? "  pg_cron is not installed: nothing is scheduled" : `  ${scheduled?.jobs} jobs are scheduled`);
  });
};

import { join } from "node:path";
import { CommandError } from "../audit/failure.ts";
import { bucketOf } from "../doctor/check-bucket.ts";
import { examine } from "../doctor/examine.ts";
import { findingText } from "../doctor/finding.ts";
import { packageFolder } from "../init/source-files.ts";
import { readMigrations } from "../stack/migrate.ts";
import type { Need } from "../doctor/read-project.ts";
import { deployBucket, secretKeyOf } from "./bucket-step.ts";
import { databaseUrlOf, deployDatabase, deployFunctions, deploySecrets, refOf, settingLines } from "./cli-steps.ts";
import { announce, type Step } from "./deployment.ts";
import { deploySchedule } from "./schedule-step.ts";
import { signerOf, smokeTest } from "./smoke-step.ts";
import { deployTenant } from "./tenant-step.ts";

/** Refuses to go on when something would not work, before anything is changed. Says what is not right, and nothing of what is. */
const doctor: Step = async (deployment) => {
  announce({ ...deployment, dryRun: false }, "check settings, keys, database, names, extensions and bucket");
  const findings = await examine(deployment.project, readMigrations(join(packageFolder(), "migrations")));
  for (const finding of findings.filter(({ state }) => state !== "ok" && state !== "pending")) deployment.say(findingText(finding));
  const faults = findings.filter(({ state }) => state === "fault").length;
  if (faults === 0) return;
  const told = `${faults} ${faults === 1 ? "fault is" : "faults are"} told above`;
  if (!deployment.dryRun) throw new CommandError("not_ready", `check project: ${told}`, "mend what it says; nothing was changed");
  deployment.say(`  ${told}: a deployment would end here`);
};

/** Every step, in order: settings before the functions that read them, the schedule after the functions that it calls. */
export const steps = {
  doctor,
  database: deployDatabase,
  bucket: deployBucket,
  secrets: deploySecrets,
  functions: deployFunctions,
  schedule: deploySchedule,
  tenant: deployTenant,
  smoke: smokeTest,
} as const satisfies Readonly<Record<string, Step>>;

export type StepName = keyof typeof steps;

/** What each step reads of the project: asked of all of them before the first one changes anything. */
export const needs: Readonly<Record<StepName, readonly Need[]>> = {
  doctor: [],
  database: [databaseUrlOf],
  bucket: [(project) => bucketOf(project.settings["AUDIT_ARCHIVE_URL"]) === undefined || secretKeyOf(project)],
  secrets: [refOf, settingLines],
  functions: [refOf],
  schedule: [databaseUrlOf, secretKeyOf],
  tenant: [databaseUrlOf],
  smoke: [databaseUrlOf, secretKeyOf, signerOf],
};

import { readSettings, SettingsError } from "../../adapters/environment.ts";
import { parseSigningKey } from "../../core/format/signed-note.ts";
import { checkDatabaseUrl } from "./check-database-url.ts";
import { finder, type Finding } from "./finding.ts";

/** How to come by what is missing, where its description does not say it. */
const remedies: Readonly<Record<string, string>> = {
  AUDIT_SIGNING_KEY: "make one: npm run audit -- keys new ORIGIN FILE",
  AUDIT_LOG_ORIGIN: "choose a name for ever, such as audit.example.com",
  AUDIT_CURSOR_KEY: "make one: openssl rand -base64 32",
};

const needed = ["AUDIT_SIGNING_KEY", "AUDIT_LOG_ORIGIN", "AUDIT_CURSOR_KEY"] as const;

/** What the functions would refuse at their start, and what they would start with to somebody's later regret. `settings` are the functions' own. */
export async function checkSettings(
  settings: Readonly<Record<string, string | undefined>>,
  projectUrl: string,
  ref: string | undefined,
): Promise<readonly Finding[]> {
  const { ok, fault, warning } = finder("settings");
  const findings: Finding[] = [];
  try {
    readSettings({ ...settings, SUPABASE_URL: projectUrl, SUPABASE_DB_URL: settings["AUDIT_DATABASE_URL"] || "postgresql://by.the/platform" }, needed);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    findings.push(...error.faults.map((text) => fault(text, remedies[text.split(":")[0] ?? ""])));
  }
  findings.push(...await checkSigningKey(settings));
  if (settings["AUDIT_DATABASE_URL"]) findings.push(...checkDatabaseUrl("AUDIT_DATABASE_URL", settings["AUDIT_DATABASE_URL"], ref, "functions"));
  else {findings.push(
      warning("AUDIT_DATABASE_URL: is empty: the functions use Supabase's direct connection, of which a project has few", "set the transaction pooler's URL"),
    );}
  if (settings["AUDIT_ARCHIVE_URL"]?.startsWith("file:")) {
    findings.push(fault("AUDIT_ARCHIVE_URL: is a folder; hosted functions keep no files", "set supabase:audit-archive"));
  } else if (!settings["AUDIT_ARCHIVE_URL"]) {
    findings.push(warning("AUDIT_ARCHIVE_URL: is empty: no day is ever archived, and audit-retention does not start", "set supabase:audit-archive"));
  }
  if (settings["AUDIT_ANON_TENANT_ID"]) {
    findings.push(warning("AUDIT_ANON_TENANT_ID: is set: anybody who has seen the publishable key may post events of that tenant"));
  }
  return findings.some(({ state }) => state === "fault") ? findings : [ok("complete, and of the right form"), ...findings];
}

async function checkSigningKey(settings: Readonly<Record<string, string | undefined>>): Promise<readonly Finding[]> {
  const { ok, fault, warning } = finder("signing key");
  const text = settings["AUDIT_SIGNING_KEY"];
  if (!text) return [];
  try {
    const { name } = await parseSigningKey(text);
    const origin = settings["AUDIT_LOG_ORIGIN"];
    if (origin && name !== origin) {
      return [warning(`is named ${name}, the log ${origin}: verifiers tell logs apart by the key's name`, "make the key with the log's origin")];
    }
    return [ok(`signs as ${name}`)];
  } catch (error) {
    return [fault(`AUDIT_SIGNING_KEY: ${(error as Error).message}`, remedies["AUDIT_SIGNING_KEY"])];
  }
}

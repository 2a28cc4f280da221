import { relative } from "node:path";

export type BannerFacts = {
  readonly url: string;
  readonly functions: readonly string[];
  readonly hasApi: boolean;
  readonly hasPage: boolean;
  readonly databasePort: number;
  readonly dataFolder: string;
  readonly workingFolder: string;
  readonly ingestKey: string;
  readonly seconds: number;
};

/** What a newcomer reads when the stack is ready: where everything is, one line to paste, and how to stop. */
export function banner(facts: BannerFacts): string {
  const shown = relative(facts.workingFolder, facts.dataFolder);
  const folder = shown === "" || shown.startsWith("..") ? facts.dataFolder : shown;
  const rows = [
    ["Post events to", `${facts.url}/functions/v1/audit-logger`],
    ...(facts.hasApi ? [["Query API", `${facts.url}/api/v1/audit`]] : []),
    ...(facts.hasPage ? [["Events page", `${facts.url}/#demo=auditor`]] : []),
    ["Database", `127.0.0.1:${facts.databasePort}, its URL is in local.json`],
    ["Keys and tokens", `${folder}/local.json`],
    ["Logs", `${folder}/logs/`],
  ];
  const table = rows.map(([name, value]) => `  ${name?.padEnd(16)}${value}`).join("\n");
  const post = facts.functions.includes("audit-logger") ? `\nPost your first event:\n\n  ${curlLine(facts.url, facts.ingestKey)}\n` : "";
  return `Audit Events is ready (${facts.seconds.toFixed(1)} s)\n\n${table}\n${post}\nCtrl-C stops it.`;
}

/** The line that posts a first event, as it can be pasted. */
export function curlLine(url: string, key: string): string {
  const event = JSON.stringify({ events: [{ event_type: "document.opened", actor_id: "user-1", object_type: "document", object_id: "42" }] });
  return `curl ${url}/functions/v1/audit-logger -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '${event}'`;
}

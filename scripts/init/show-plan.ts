import { vendorFolder } from "./config-lines.ts";
import type { Change, Plan } from "./plan.ts";

/** The plan as a diff: migrations and config line by line or file by file, the functions' sources as one line unless `full`. */
export function showPlan(plan: Plan, configText: string, full: boolean): string {
  const migrations = plan.changes.filter(({ path }) => path.startsWith("migrations/"));
  const vendored = plan.changes.filter(({ path }) => path.startsWith(vendorFolder));
  const lines = [
    ...migrations.filter(({ state }) => state === "new").flatMap((change) => full ? diffOf(change) : [`+ supabase/${change.path} (${linesOf(change)} lines)`]),
    ...(full ? vendored.filter(({ state }) => state === "new").flatMap(diffOf) : summaryOf(vendored)),
    ...plan.changes.filter(({ state }) => state === "updated").map(({ path }) => `~ supabase/${path} (as an older version wrote it: replaced)`),
    ...plan.changes.filter(({ state }) => state === "kept").map(({ path }) => `! supabase/${path} (differs from this version: kept)`),
    ...configDiff(plan.configLines, configText),
  ];
  return lines.length === 0 ? "Nothing to do: the project has all of it." : lines.join("\n");
}

function summaryOf(vendored: readonly Change[]): readonly string[] {
  const added = vendored.filter(({ state }) => state === "new");
  const count = added.reduce((sum, change) => sum + linesOf(change), 0);
  return added.length === 0 ? [] : [`+ supabase/${vendorFolder}/ (${added.length} files, ${count} lines; --full shows them)`];
}

function diffOf(change: Change): readonly string[] {
  const body = change.content.replace(/\n$/, "").split("\n");
  return ["--- /dev/null", `+++ supabase/${change.path}`, `@@ -0,0 +1,${body.length} @@`, ...body.map((line) => `+${line}`)];
}

function configDiff(added: readonly string[], config: string): readonly string[] {
  if (added.length === 0) return [];
  const before = config.split("\n").length - (config.endsWith("\n") ? 1 : 0);
  const path = "supabase/config.toml";
  return [`--- ${path}`, `+++ ${path}`, `@@ -${before},0 +${before + 1},${added.length} @@`, ...added.map((line) => `+${line}`)];
}

function linesOf({ content }: Change): number {
  return content.split("\n").length - 1;
}

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { manifestPath, type Plan } from "./plan.ts";

/** Writes what is new or updated. A file that has come into being since the plan was made is a fault (`wx`), not overwritten. */
export function applyPlan(supabaseFolder: string, plan: Plan): void {
  for (const { path, state, content } of plan.changes) {
    if (state !== "new" && state !== "updated") continue;
    const target = join(supabaseFolder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content, { flag: state === "new" ? "wx" : "w" });
  }
  writeFileSync(join(supabaseFolder, manifestPath), plan.manifest);
  if (plan.configLines.length === 0) return;
  const config = join(supabaseFolder, "config.toml");
  const text = readFileSync(config, "utf8");
  // Windows editors leave CRLF: the lines that we add follow what is there.
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  appendFileSync(config, `${text === "" || text.endsWith("\n") ? "" : newline}${plan.configLines.join(newline)}${newline}`);
}

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Packages of deno.json whose version is not the exact one of package.json: Node's tests would then vouch for other code than the functions run. */
export function checkVersions(root: string): readonly string[] {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { imports }: { imports: Record<string, string> } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  return Object.entries(imports).flatMap(([name, target]) => {
    const packageName = name.replace(/\/$/, "");
    const wanted = `npm:${packageName}@${dependencies[packageName]}`;
    return target.replace(/^npm:\//, "npm:").replace(/\/$/, "") === wanted ? [] : [`deno.json: ${name} is ${target}, but package.json makes it ${wanted}`];
  });
}

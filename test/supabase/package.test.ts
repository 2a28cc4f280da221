import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planInit } from "../../scripts/init/plan.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";

const run = promisify(execFile);

let folder: string;
let project: string;
let archive: string;
/** As in a project that never heard of this checkout: the package is all there is, and nothing is fetched. */
const npx = (...args: readonly string[]) =>
  run("npx", ["--offline", "--yes", `--package=${archive}`, "--", "audit-events", ...args], {
    cwd: project,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, npm_config_update_notifier: "false" },
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "audit-events-package-"));
  await run(process.execPath, ["scripts/build-command.ts", join(folder, "command")], { cwd: projectFolder });
  await run("npm", ["pack", "--pack-destination", folder], { cwd: join(folder, "command") });
  archive = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  project = join(folder, "project");
  mkdirSync(join(project, "supabase"), { recursive: true });
  writeFileSync(join(project, "supabase/config.toml"), 'project_id = "mine"');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the package behind npx audit-events", () => {
  it("has no dependencies, and no test", () => {
    expect(JSON.parse(readFileSync(join(folder, "command/package.json"), "utf8"))).not.toHaveProperty("dependencies");
    expect(existsSync(join(folder, "command/node_modules"))).toBe(false);
    expect(readdirSync(join(folder, "command"), { recursive: true, encoding: "utf8" }).filter((path) => path.includes(".test."))).toEqual([]);
  });

  it("adds to a project what the checkout would add", async () => {
    const plan = () => planInit({ supabaseFolder: join(project, "supabase"), root: projectFolder, now: new Date(), update: false });
    expect(plan().changes.every(({ state }) => state === "new")).toBe(true);
    const { stderr } = await npx("init");
    expect(stderr).toBe("");
    const { changes, configLines } = plan();
    expect(changes.filter(({ state }) => state !== "same")).toEqual([]);
    expect(configLines).toEqual([]);
    expect(readFileSync(join(project, "supabase/config.toml"), "utf8")).toMatch(/^project_id = "mine"\n\n# Audit Events\./);
    expect((await npx("init")).stdout).toBe("Nothing to do: the project has all of it.\n");
  });

  it.each(["package", "checkout"])("says in one line which Node it needs, where that is older than the %s's engines", async (where) => {
    const [root, command] = where === "package" ? [join(folder, "command"), "command.js"] : [projectFolder, "scripts/command.js"];
    const { engines, bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(bin).toEqual({ "audit-events": command });
    const needed = String(engines.node).replace(">=", "");
    const runOn = (version: string) => {
      const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: ${JSON.stringify(version)} } })`;
      return run(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, join(root, command), "init", "--help"]);
    };
    for (const version of ["18.20.8", "20.20.2", needed.replace(/\d+$/, (minor) => String(Number(minor) - 1)) + ".0"]) {
      const refused = await runOn(version).catch((fault: unknown) => fault);
      expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/^[^\n]+ run the same command again\n$/) });
      expect(refused).toMatchObject({ stderr: expect.stringContaining(`needs Node ${needed} or newer, this is ${version}:`) });
    }
    expect((await runOn(`${needed}.0`)).stdout).toContain("Usage: audit-events init");
    // What an older one can read: nothing but its own modules is bound before the version is known.
    expect([...readFileSync(join(root, command), "utf8").matchAll(/^import .*/gm)].map(([line]) => line)).toEqual(['import process from "node:process";']);
  });

  it("is the whole command, and knows its version", async () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
    expect((await npx("--version")).stdout).toBe(`${version}\n`);
    const { stdout } = await npx("--help");
    for (const name of ["verify", "query", "keys", "doctor", "deploy"]) expect(stdout).toMatch(new RegExp(`^ +${name}\\b`, "m"));
  });
});

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { freePort } from "../scripts/stack/free-port.ts";
import { openShell, type Ran, snippetsOf } from "./docs-snippets.ts";

const page = "docs/tutorial.md";
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), "audit-events-tutorial-"));
  execFileSync("git", ["clone", "--quiet", "--local", projectFolder, clone]);
  // What `npm ci` would put there: the packages of this checkout, which it made before the tests.
  symlinkSync(join(projectFolder, "node_modules"), join(clone, "node_modules"));
});
afterAll(() => {
  execFileSync("npm", ["run", "--silent", "audit", "--", "stack", "stop"], { cwd: clone, stdio: "ignore" });
  rmSync(clone, { recursive: true, force: true });
});

it("the tutorial's commands, pasted one after the other into a clean clone, end in a receipt that holds and a change that shows", async () => {
  const port = await freePort();
  const fill = { "npm ci\n": "", "stack start --background": `stack start --background --port ${port}` };
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", npm_config_update_notifier: "false" };
  const shell = openShell({ cwd: clone, env, fill });
  const ran: Ran[] = [];
  try {
    for (const snippet of snippetsOf(page, ["sh"])) ran.push(await shell.run(snippet));
  } finally {
    shell.close();
  }
  expect(shell.unused()).toEqual([]);
  const outputOf = (part: string) => ran.filter(({ snippet }) => snippet.code.includes(part)).map(({ stdout }) => stdout);
  expect(outputOf("audit-logger")).toEqual([expect.stringContaining('"created_count":1')]);
  expect(outputOf("-- query")).toEqual([expect.stringContaining("order.approved")]);
  expect(outputOf("verify --receipt")).toEqual([expect.stringMatching(/^SOUND$/m), expect.stringMatching(/^SOUND$/m)]);
  const [before, after] = outputOf("verify --local");
  expect(before).toMatch(/^SOUND$/m);
  expect(after).toMatch(/^TAMPERED$/m);
  expect(after).toContain("verify ended with status 1");
  expect(after).toMatch(/first bad event: event_changed: tenant 123e4567-e89b-12d3-a456-426614174000, index 0/);
}, 240_000);

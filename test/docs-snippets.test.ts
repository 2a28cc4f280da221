import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { openShell, snippetsOf } from "./docs-snippets.ts";
import { type StackProcess, startStack } from "./support/stack.ts";

/** Pages whose commands must exist; their snippets run here or where `runElsewhere` says. */
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...markdownIn("docs/operations"),
  ...markdownIn("docs/format"),
  ...markdownIn("docs/how-to"),
  "docs/tutorial.md",
  "sdk/README.md",
];

const runElsewhere: Readonly<Record<string, string>> = {
  "docs/operations/deploy.md": "test/supabase/deploy-guide.test.ts",
  "sdk/README.md": "test/sdk/readme.test.ts",
  "docs/tutorial.md": "test/docs-tutorial.test.ts",
};

/**
 * A snippet that cannot be pasted into a test, by its first line: what it says is done here by other means. `npm ci` would take the packages away from
 * under the running tests (`.ci/run` has run it before them), and `npm start` does not end: a stack of it is running beside the other snippets.
 */
const doneOtherwise = ["npm ci"];

function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(projectFolder, folder)).filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
}

describe("shell snippets", () => {
  let folder: string;
  let stack: StackProcess;

  beforeAll(async () => {
    // The checkout by another path: `.audit` there is this stack's data, and no developer's.
    folder = mkdtempSync(join(tmpdir(), "audit-events-docs-"));
    for (const name of readdirSync(projectFolder)) if (![".audit", ".env"].includes(name)) symlinkSync(join(projectFolder, name), join(folder, name));
    stack = await startStack({ dataFolder: join(folder, ".audit") });
  });
  afterAll(async () => {
    stack?.signal("SIGINT");
    await stack?.ended;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it.each(pages.filter((page) => !(page in runElsewhere) && snippetsOf(page, ["sh"]).length > 0))("of %s run as they are pasted", async (page) => {
    const shell = openShell({ cwd: folder, env: shellEnvironment(), fill: { "http://127.0.0.1:54321": `http://127.0.0.1:${stack.port}` } });
    try {
      for (const snippet of snippetsOf(page, ["sh"])) {
        if (doneOtherwise.some((line) => snippet.code.startsWith(line))) continue;
        const ran = await shell.run(snippet);
        // curl ends well whatever it is answered.
        expect(ran.stdout, `line ${snippet.line}`).not.toMatch(/"status":\s*[45]\d\d\b/);
      }
    } finally {
      shell.close();
    }
  });

  it("of other pages run in a test of their own", () => {
    for (const [page, test] of Object.entries(runElsewhere)) expect(readFileSync(join(projectFolder, test), "utf8"), page).toContain(page.split("/").at(-1));
  });

  it("are told apart from what is only shown by their language", () => {
    const others = new Set(
      pages.flatMap((page) => [...readFileSync(join(projectFolder, page), "utf8").matchAll(/^```([^\n]*)$/gm)].map(([, info = ""]) => info)),
    );
    for (const unmarked of ["bash", "shell", "console", "zsh"]) expect(others).not.toContain(unmarked);
  });
});

describe("commands that the pages name", () => {
  const scripts = Object.keys((JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts);

  it.each(pages)("in %s exist", (page) => {
    const named = [...readFileSync(join(projectFolder, page), "utf8").matchAll(/\bnpm run (?:--silent )?([a-z][a-z:]*)/g)].map(([, name]) => name);
    expect(named.filter((name) => !scripts.includes(name ?? ""))).toEqual([]);
  });
});

/** A reader's shell, without what vitest and npm have put into ours. */
function shellEnvironment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", npm_config_update_notifier: "false" };
}

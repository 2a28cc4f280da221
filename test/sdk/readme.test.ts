import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServerDouble, startServerDouble } from "../../sdk/test/server-double.ts";
import { buildPackage, installedBeside, root } from "./build.ts";

const readme = readFileSync(join(root, "sdk", "README.md"), "utf8");
const run = promisify(execFile);

function snippets(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, code = ""]) => code);
}

let folder: string;
let project: string;
let python: string;
let double: ServerDouble;

beforeAll(async () => {
  folder = buildPackage();
  project = installedBeside(folder, "hono", "@types/node", "undici-types");
  python = mkdtempSync(join(tmpdir(), "audit-events-python-"));
  double = await startServerDouble();
});
afterAll(async () => {
  [folder, project, python].forEach((path) => rmSync(path, { recursive: true, force: true }));
  await double.stop();
});

describe("sdk/README.md", () => {
  it("has TypeScript that compiles strictly against the package", () => {
    const files = snippets("ts").map((code, index) => {
      writeFileSync(join(project, `snippet-${index}.ts`), `${code}\nexport {};\n`);
      return `snippet-${index}.ts`;
    });
    expect(files.length).toBeGreaterThan(6);
    const settings = {
      module: "nodenext",
      target: "es2022",
      lib: ["es2023", "dom", "dom.iterable", "esnext.disposable"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: settings, files }));
    writeFileSync(join(project, "package.json"), '{"type":"module"}');
    const { stdout, status } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], { encoding: "utf8" });
    expect(`${status} ${stdout}`).toBe("0 ");
  });

  it("shows the same task with and without the package: both store the event once", async () => {
    const [, byHand = "", byClient = ""] = snippets("ts");
    for (const code of [byHand, byClient]) {
      double.events.clear();
      const file = join(project, "run.ts");
      writeFileSync(file, code.replaceAll("https://your-project.supabase.co", double.url).replaceAll("aud_…", "aud_test"));
      await run(process.execPath, ["--experimental-strip-types", file]);
      expect([...double.events.values()].map((text) => JSON.parse(text))).toMatchObject([{ event_type: "order.created", actor_id: "alice" }]);
    }
  });

  it("runs as written, from the first event to the account at the end", async () => {
    const file = join(project, "minute.ts");
    const code = (snippets("ts")[0] ?? "").replace("declare const request: Request;", 'const request = new Request("http://x/");');
    writeFileSync(file, `${code}\nawait audit.close();\n`.replaceAll("https://your-project.supabase.co", double.url).replaceAll("aud_…", "aud_test"));
    double.events.clear();
    const { stderr } = await run(process.execPath, ["--experimental-strip-types", "--no-warnings", file]);
    expect(stderr).toBe("");
    expect([...double.events.values()].map((text) => JSON.parse(text).event_type).sort()).toEqual([
      "a",
      "b",
      "order.approved",
      "order.charge",
      "order.created",
      "order.viewed",
      "update",
    ]);
  });

  it("names the file that npm pack makes", () => {
    const { name, version } = JSON.parse(readFileSync(join(root, "sdk", "package.json"), "utf8")) as { readonly name: string; readonly version: string };
    expect(readme).toContain(`${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  });

  it("has an Edge Function that Deno takes, with the built files beside it", async () => {
    const shared = join(project, "functions", "_shared", "audit-events-client");
    cpSync(join(project, "node_modules", "@audit-events", "client", "dist"), shared, { recursive: true });
    mkdirSync(join(project, "functions", "shop"));
    writeFileSync(join(project, "functions", "shop", "index.ts"), snippets("typescript")[0] ?? "");
    await run(join(root, "node_modules", ".bin", "deno"), ["check", "--no-config", join(project, "functions", "shop", "index.ts")]);
  });

  it("has a curl line that works as pasted", async () => {
    double.events.clear();
    const [line = ""] = snippets("sh");
    const { stdout } = await run("sh", ["-c", line], { env: { ...process.env, AUDIT_URL: double.url, AUDIT_API_KEY: "aud_test" } });
    expect(JSON.parse(stdout)).toMatchObject({ created_count: 1 });
  });

  it("has Python that stores every event once, through a server that fails at first", async () => {
    const [module = "", fastapi = ""] = snippets("python");
    writeFileSync(join(python, "audit.py"), module);
    writeFileSync(join(python, "main.py"), fastapi);
    writeFileSync(
      join(python, "app.py"),
      'from audit import audit\nfor n in range(1200):\n    audit.log("order.created", object_id=str(n))\naudit.close()\nprint(audit.dropped, len(audit.rejected))\n',
    );
    double.events.clear();
    let failures = 2;
    double.behave = (_, response) => failures-- > 0 ? (response.writeHead(503).end("{}"), true) : undefined;
    const { stdout } = await run("python3", ["app.py"], { cwd: python, env: { ...process.env, AUDIT_URL: double.url, AUDIT_API_KEY: "aud_test" } });
    const [dropped = 0, rejected] = stdout.trim().split(" ").map(Number);
    expect(rejected).toBe(0);
    expect(double.events.size + dropped).toBe(1200);
    expect(double.events.size).toBeGreaterThanOrEqual(1000);
    execFileSync("python3", ["-m", "py_compile", "main.py"], { cwd: python });
  });

  it("names every option there is", () => {
    for (const [file, type] of [["options.ts", "AuditClientOptions"], ["spool/folder.ts", "SpoolOptions"]] as const) {
      const source = readFileSync(join(root, "sdk", "src", file), "utf8");
      const body = source.slice(source.indexOf(`export type ${type} = {`), source.indexOf("\n};", source.indexOf(`export type ${type} = {`)));
      const names = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name = ""]) => name);
      expect(names.length).toBeGreaterThan(6);
      expect(names.filter((name) => !readme.includes(`\n| \`${name}\` |`))).toEqual([]);
    }
  });
});

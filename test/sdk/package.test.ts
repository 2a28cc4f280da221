import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPackage, installedBeside, root } from "./build.ts";

let folder: string;
let project: string;

beforeAll(() => {
  folder = buildPackage();
  project = installedBeside(folder, "hono");
});
afterAll(() => [folder, project].forEach((path) => rmSync(path, { recursive: true, force: true })));

/** Modules that are loaded when they are first used. */
const later = /^\.\/(log-many|receipt-check|verify)\.js$/;

/** Bytes of what an application loads that does `code`, minified and compressed, without what is loaded later. */
async function loadedBytes(code: string): Promise<number> {
  const file = join(project, "app.mjs");
  writeFileSync(file, code);
  const bundle = await rolldown({ input: file, external: [/^node:/, later], logLevel: "silent" });
  const { output } = await bundle.generate({ format: "es", minify: true });
  await bundle.close();
  return gzipSync(output.map((chunk) => chunk.type === "chunk" ? chunk.code : "").join(""), { level: 9 }).length;
}

describe("@audit-events/client, packed", () => {
  it("costs an application that logs less than 8 kB", async () => {
    expect(await loadedBytes('import { createAuditClient } from "@audit-events/client"; globalThis.client = createAuditClient;')).toBeLessThan(8000);
  });

  it("costs one that also uses all the rest of the core entry less than 9.5 kB", async () => {
    expect(await loadedBytes('export * from "@audit-events/client";')).toBeLessThan(9500);
  });

  it("costs what the README says, entry by entry", async () => {
    const rows = [...readFileSync(join(root, "sdk", "README.md"), "utf8").matchAll(/^\| `@audit-events\/client\/(\w+)` \|.*\| (\d+) kB \|$/gm)];
    const said = Object.fromEntries(rows.map(([, entry = "", kilobytes]) => [entry, Number(kilobytes)]));
    const seen: Record<string, number> = {};
    for (const entry of Object.keys(said)) seen[entry] = Math.ceil(await loadedBytes(`export * from "@audit-events/client/${entry}";`) / 1000);
    expect(Object.keys(said).sort()).toEqual(["hono", "query", "spool", "verify"]);
    expect(seen).toEqual(said);
  });

  it("passes publint and attw", () => {
    const bin = (name: string) => join(root, "node_modules", ".bin", name);
    expect(execFileSync(bin("publint"), [folder, "--strict"], { encoding: "utf8" })).toContain("All good!");
    expect(execFileSync(bin("attw"), ["--pack", folder, "--profile", "esm-only"], { encoding: "utf8" })).not.toMatch(/❌|🚭|🐛/u);
  });

  it("has no dependencies, and imports Node's modules only in its spool", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(manifest).not.toHaveProperty("dependencies");
    for (const file of readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"))) {
      const imports = [...readFileSync(join(folder, "dist", file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name = ""]) => name);
      const foreign = imports.filter((name) => !name.startsWith("."));
      expect(`${file}: ${foreign.filter((name) => !builtinModules.includes(name.replace("node:", "")) || !file.startsWith("spool/"))}`).toBe(`${file}: `);
    }
  });

  it("has types that an application without DOM or Node types can use strictly", () => {
    writeFileSync(
      join(project, "app.ts"),
      `import { createAuditClient, fromRequest, type AuditClient, type EventInput, AuditRejectedError } from "@audit-events/client";
import { createQueryClient } from "@audit-events/client/query";
import { verifyReceipt } from "@audit-events/client/verify";
import { createFileSpool } from "@audit-events/client/spool";
import { audit, type AuditVariables } from "@audit-events/client/hono";
export const client: AuditClient = createAuditClient({ url: "https://x", apiKey: undefined, getToken: async () => "t", spool: createFileSpool({ directory: "s" }) });
export const event: EventInput = { ...fromRequest({ headers: {} }), event_type: "a", occurred_at: new Date() };
// @ts-expect-error: an event needs a type.
client.logEventFireAndForget({ actor_id: "a" });
// @ts-expect-error: results are of three kinds.
client.logEventFireAndForget({ event_type: "a", result: "maybe" });
export const value: Promise<number> = client.auditOperation(event, async (draft) => { draft.object_id = "1"; return 1; });
export const query = createQueryClient({ apiUrl: "https://x", apiKey: "k" });
export const all = [verifyReceipt, audit, AuditRejectedError] satisfies unknown[];
export type Variables = AuditVariables;
`,
    );
    const settings = {
      module: "nodenext",
      target: "es2022",
      lib: ["es2023", "dom", "esnext.disposable"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: settings, files: ["app.ts"] }));
    writeFileSync(join(project, "package.json"), '{"type":"module"}');
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], { encoding: "utf8", stdio: "pipe" });
  });
});

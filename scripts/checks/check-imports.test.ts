import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkImports } from "./check-imports.ts";
import { checkVersions } from "./check-versions.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("checkImports()", () => {
  it("finds nothing wrong with this repository", () => {
    expect(checkImports(root)).toEqual([]);
  });

  it("finds every breach of a tree that breaks each rule, and no other", () => {
    expect(checkImports(join(root, "test/fixtures/imports"))).toMatchInlineSnapshot(`
      [
        "adapters/pool.ts:2: imports fs without node:",
        "adapters/pool.ts:5: imports functions/one/index.ts, but adapters imports only adapters, core",
        "core/format/wrong.ts:1: imports core/right.ts, but core/format takes only types of core, core/errors.ts and core/limits.ts",
        "core/wrong.ts:1: imports node:fs, but core runs where there is no Node",
        "core/wrong.ts:2: imports adapters/pool.ts, but core imports only core",
        "core/wrong.ts:3: imports lodash, but the packages of core are @cfworker/json-schema, canonicalize, csv-stringify, hyparquet, hyparquet-writer, ipaddr.js, uuid, zod",
        "core/wrong.ts:4: imports ./other without its .ts",
        "core/wrong.ts:5: import of ./format/fine.ts spans 4 lines, and the deploy tool would leave it behind",
        "core/wrong.ts:9: imports test/helper.ts, but core imports only core",
        "core/wrong.ts:10: imports npm:zod@4: name the package alone, its version stands in package.json and deno.json",
        "core/wrong.ts:11: imports the test core/wrong.test.ts",
        "core/wrong.ts:15: imports (computed), but the packages of core are @cfworker/json-schema, canonicalize, csv-stringify, hyparquet, hyparquet-writer, ipaddr.js, uuid, zod",
        "core/wrong.ts:14: names process, which only the entry files of a runtime do",
        "core/wrong.ts:14: names process, which only the entry files of a runtime do",
        "core/wrong.ts:14: names Deno, which only the entry files of a runtime do",
        "functions/one/index.ts:1: imports functions/two/two.ts, but a function imports no other function",
        "functions/two/two.ts:1: names Deno, which only the entry files of a runtime do",
        "sdk/environment.ts:3: imports adapters/pool.ts, but sdk imports only sdk, core, verify",
        "verify/wrong.ts:1: imports core/right.ts, but verify imports only verify",
      ]
    `);
  });
});

describe("checkVersions()", () => {
  it("finds nothing wrong with this repository", () => {
    expect(checkVersions(root)).toEqual([]);
  });

  it("finds a package that functions would run in another version, and one that Node does not have", () => {
    const folder = mkdtempSync(join(tmpdir(), "versions-"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { zod: "4.6.7", pg: "8.23.1" } }));
    writeFileSync(join(folder, "deno.json"), JSON.stringify({ imports: { zod: "npm:zod@4.6.6", pg: "npm:pg@8.23.1", "hono/": "npm:/hono@4.0.0/" } }));
    expect(checkVersions(folder)).toEqual([
      "deno.json: zod is npm:zod@4.6.6, but package.json makes it npm:zod@4.6.7",
      "deno.json: hono/ is npm:/hono@4.0.0/, but package.json makes it npm:hono@undefined",
    ]);
    rmSync(folder, { recursive: true });
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyPlan } from "./apply.ts";
import { planInit } from "./plan.ts";
import { packageFolder } from "./source-files.ts";

describe("planInit()", () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "audit-events-plan-"));
  });
  afterEach(() => rmSync(project, { recursive: true }));
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), content);
  };
  const plan = (update = false) => planInit({ supabaseFolder: project, root: packageFolder(), now: new Date(), update });

  it.each([
    ["an inline table", "[functions]\naudit-logger = { verify_jwt = true }\n"],
    ["dotted keys", '[functions]\n"audit-api".verify_jwt = true\n'],
    ["dotted keys at the top", "functions.audit-sealer.verify_jwt = true\n"],
  ])("refuses a function of our name written as %s: a second table would make the file unreadable", (_, config) => {
    write("config.toml", config);
    expect(() => plan()).toThrow(/the project has a function of this name that is not ours/);
  });

  it("takes none of this for a function of our name", () => {
    write("config.toml", "# functions.audit-api.x = 1\n[functions]\nhello = { verify_jwt = true }\n[auth]\naudit-api = 1\nfunctions.audit-api = 1\n");
    expect(plan().configLines).toContain("[functions.audit-api]");
  });

  it("refuses a public bucket of our name: anybody could read the archive", () => {
    write("config.toml", "[storage.buckets.audit-archive]\npublic = true # for now\n");
    expect(() => plan()).toThrow(/the bucket is public/);
    write("config.toml", "[storage.buckets.audit-archive]\npublic = false\n");
    expect(plan().configLines).not.toContain("[storage.buckets.audit-archive]");
  });

  it("knows its files again after Git has given them the line ends of Windows, and updates them", () => {
    write("config.toml", 'project_id = "theirs"\n');
    const first = plan();
    applyPlan(project, first);
    const [older] = first.changes.filter(({ path }) => path.startsWith("audit-events/functions/"));
    for (const { path, content } of first.changes) write(path, content.replaceAll("\n", "\r\n"));
    expect(plan().changes.filter(({ state }) => state !== "same")).toEqual([]);
    const manifest = JSON.parse(readFileSync(join(project, "audit-events/manifest.json"), "utf8"));
    write(older?.path ?? "", "older\r\n");
    write("audit-events/manifest.json", JSON.stringify({ files: { ...manifest.files, [older?.path ?? ""]: sha256OfOlder } }));
    expect(plan(true).changes.filter(({ state }) => state !== "same").map(({ path, state }) => [path, state])).toEqual([[older?.path, "updated"]]);
  });
});

/** Of "older\n". */
const sha256OfOlder = "f5851620a22110d6ebb73809df89c6321e79b4483dd2eb84ea77948505561463";

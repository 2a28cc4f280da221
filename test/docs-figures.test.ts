import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { readOptions } from "../sdk/src/options.ts";

const read = (path: string) => readFileSync(join(projectFolder, path), "utf8");

/** What `npm run reference` prints needs no other source. */
const printedPages = ["limits", "settings", "sql", "sdk"].map((name) => `docs/reference/${name}.md`);
const pages = execFileSync("git", ["ls-files", "*.md", "llms.txt"], { cwd: projectFolder, encoding: "utf8" })
  .split("\n").filter((page) => page !== "" && existsSync(join(projectFolder, page)) && !printedPages.includes(page));

/** Milliseconds, bytes, or a bare number of the unit that stands behind it. */
const units: Readonly<Record<string, readonly [kind: "time" | "size" | "share" | "rate", factor: number]>> = {
  "µs": ["time", 1e-3],
  ms: ["time", 1],
  s: ["time", 1000],
  second: ["time", 1000],
  seconds: ["time", 1000],
  minute: ["time", 60_000],
  minutes: ["time", 60_000],
  h: ["time", 3_600_000],
  hours: ["time", 3_600_000],
  bytes: ["size", 1],
  B: ["size", 1],
  kB: ["size", 1e3],
  KiB: ["size", 2 ** 10],
  MB: ["size", 1e6],
  MiB: ["size", 2 ** 20],
  GB: ["size", 1e9],
  GiB: ["size", 2 ** 30],
  TB: ["size", 1e12],
  "%": ["share", 1],
  "×": ["share", 1],
  times: ["share", 1],
  core: ["share", 1],
  cores: ["share", 1],
  "events/s": ["rate", 1],
  "events a second": ["rate", 1],
  "leaves a second": ["rate", 1],
  "rows a second": ["rate", 1],
  "requests a second": ["rate", 1],
};
const figurePattern = new RegExp(`(?<![\\w.:,/-])(\\d[\\d,.]*\\d|\\d) ?(${Object.keys(units).sort((a, b) => b.length - a.length).join("|")})(?![\\w])`, "g");

/**
 * What counts as the origin of a measured figure: the benchmark's command, the page that holds its results beside their commands, or a test. The commands of
 * the product are no origin: nearly every section names one.
 */
const origin = /npm run bench|bench\/README\.md|`[^`]*\btest\/[\w./-]+`|`vitest run |`npm run build/;

/**
 * Figures that are neither measured nor a limit: facts. Each says where the fact stands, and that is looked up: a text in a file of ours, or the
 * address of somebody else's page, which must stand in the same section.
 */
const facts: readonly { readonly page: string; readonly figure: string; readonly where: string; readonly text?: string }[] = [
  { page: "CHANGELOG.md", figure: "256 MB", where: "core/limits.ts", text: "256 MB end an Edge Function" },
  { page: "docs/adr/0002-processes-of-the-local-stack.md", figure: "0.2 s", where: "scripts/stack/supervisor.ts", text: "firstDelayMs = 200;" },
  { page: "docs/format/event.md", figure: "535 bytes", where: "core/leaf.test.ts", text: "this leaf of ${" },
  { page: "docs/format/seal.md", figure: "48 hours", where: "migrations/20261122000700_checkpoints.sql", text: "interval '48 hours'" },
  { page: "docs/operations.md", figure: "8 s", where: "api/server.ts", text: "graceMs = 8_000;" },
  { page: "docs/how-to/scale.md", figure: "2 s", where: "https://supabase.com/docs/guides/functions/limits" },
  { page: "sdk/README.md", figure: "80 %", where: "sdk/src/accept.ts", text: "share < 0.8" },
  { page: "sdk/README.md", figure: "56 KiB", where: "sdk/src/delivery/queue.ts", text: "hiddenBatchBytes = 14_000;" },
  { page: "sdk/README.md", figure: "200 ms", where: "sdk/src/spool.ts", text: "fsyncIntervalMs: 200," },
  { page: "sdk/README.md", figure: "256 MiB", where: "sdk/src/spool.ts", text: "bytesMax: 256 * 1024 * 1024," },
];

type Figure = {
  readonly page: string;
  readonly heading: string;
  readonly section: string;
  readonly text: string;
  readonly value: number;
  readonly kind: string;
};

/** Sizes up to this are the form of a hash, a key or a tag. */
const formBytesMax = 64;

/** The figures of a page outside code, each with its section: from one heading to the next, tables and code included. */
function figuresOf(page: string): readonly Figure[] {
  return read(page).split(/^(?=#{1,6} )/m).flatMap((section) => {
    const words = section.replaceAll(/^```.*?^```$/gms, "").replaceAll(/`[^`]*`/g, "` `");
    return [...words.matchAll(figurePattern)].map(([text, number = "", unit = ""]) => {
      const [kind, factor] = units[unit] ?? ["share", 1];
      return { page, heading: section.split("\n")[0] ?? "", section, text, value: Number(number.replaceAll(",", "")) * factor, kind };
    });
  });
}

/** Every bound with a unit, by kind and value in that kind's smallest unit: those of the system and the client's defaults. */
function bounds(): ReadonlySet<string> {
  const client = readOptions({ url: "https://example.com", apiKey: "aud_", environment: {} });
  const named = Object.entries({ ...limits, ...client }).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return new Set(named.flatMap(([name, value]) => {
    const [, unit = ""] = /(Ms|Seconds|Minutes|Hours|Bytes)(?:Max|Min|Default)?$/.exec(name) ?? [];
    const factor = { Ms: 1, Seconds: 1000, Minutes: 60_000, Hours: 3_600_000, Bytes: 1 }[unit];
    return factor === undefined ? [] : [`${unit === "Bytes" ? "size" : "time"} ${value * factor}`];
  }));
}

describe("figures in the docs", () => {
  const figures = pages.flatMap(figuresOf);
  const known = bounds();

  it.each(pages)("of %s are limits, facts with their place, or stand beside the command or test that gives them", (page) => {
    const without = figures.filter((figure) => figure.page === page)
      .filter(({ kind, value }) => !known.has(`${kind} ${value}`) && !(kind === "size" && value <= formBytesMax))
      .filter(({ section }) => !origin.test(section))
      .filter(({ text }) => !facts.some((fact) => fact.page === page && fact.figure === text))
      .map(({ heading, text }) => `${heading}: ${text}`);
    expect(without).toEqual([]);
  });

  it.each(facts)("of $page: $figure is a fact that stands where it is said to", ({ page, figure, where, text }) => {
    const said = figures.filter((one) => one.page === page && one.text === figure);
    expect(said.length, "the page says it no more").toBeGreaterThan(0);
    if (where.startsWith("https://")) { for (const { section } of said) expect(section).toContain(where); }
    else expect(read(where)).toContain(text ?? "a text that shows the figure is missing");
  });

  it("are found, and those of the last full benchmark stand in its page", () => {
    expect(figures.length).toBeGreaterThan(100);
    expect(figures.map(({ text }) => text)).toEqual(expect.arrayContaining(["30 s", "256 MiB"]));
    const latest = JSON.parse(read("bench/results/latest.json")) as Readonly<Record<string, number>>;
    const ratios = ["ingest.copy_ratio", "ingest.handwritten_ratio", "ingest.growth_ratio", "seal.ingest_ratio"].map((key) => `${latest[key]?.toFixed(2)} ×`);
    expect(figures.filter(({ page }) => page === "bench/README.md").map(({ text }) => text)).toEqual(expect.arrayContaining(ratios));
  });

  it("name commands of the benchmark that there are", () => {
    const benches = [...read("bench/run.ts").matchAll(/^ {2}(\w+): /gm)].map(([, name = ""]) => name);
    const named = pages.flatMap((page) => [...read(page).matchAll(/npm run bench --((?: [a-z]+)+)/g)].flatMap(([, names = ""]) => names.trim().split(" ")));
    expect(named.filter((name) => !benches.includes(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(5);
  });
});

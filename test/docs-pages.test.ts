import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCodes } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { parseQuery, queryKeys } from "../core/query-language.ts";
import { referencePages } from "../scripts/print-reference.ts";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { routeRules } from "./api/matrix-routes.ts";

/** Every page that is committed or about to be. */
const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md", "llms.txt"], { cwd: projectFolder, encoding: "utf8" })
  .split("\n").filter((page) => page !== "" && existsSync(join(projectFolder, page)));
const read = (path: string) => readFileSync(join(projectFolder, path), "utf8");

/** Page without what stands in fences, where a bracket is code. */
const prose = (page: string) => read(page).replaceAll(/^```.*?^```$/gms, "");

describe("links", () => {
  it.each(pages)("of %s lead somewhere", (page) => {
    const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target).filter((target) => !/^(https?:|mailto:|#)/.test(target));
    const dead = targets.filter((target) => !existsSync(join(projectFolder, dirname(page), target.split("#")[0] ?? "")));
    expect(dead).toEqual([]);
  });

  it.each(pages)("in code font of %s name files that are there", (page) => {
    const named = [...prose(page).matchAll(/`((?:core|verify|adapters|functions|api|web|sdk|migrations|supabase|scripts|test|bench|docs)\/[\w./-]*)`/g)].map((
      [, path = ""],
    ) => path);
    // Built, or made in somebody else's project; not committed here.
    const missing = named.filter((path) =>
      !/^((web|sdk)\/dist|bench\/results|supabase\/audit-events)/.test(path) && !existsSync(join(projectFolder, path)) &&
      !existsSync(join(projectFolder, dirname(page), path))
    );
    expect(missing).toEqual([]);
  });

  it.each(pages.filter((page) => /^(README|SECURITY|CONTRIBUTING|docs\/(?!adr\/|reference\/sdk)[\w/-]+)\.md$/.test(page)))(
    "lead to the pages that %s names",
    (page) => {
      expect([...prose(page).matchAll(/(?<!\[)`([\w./-]+\.md)`(?!\])/g)].map(([, path]) => path)).toEqual([]);
    },
  );

  it("of anchors lead to headings", () => {
    const dead = pages.flatMap((page) =>
      [...prose(page).matchAll(/\]\(([^)\s]*)#([^)\s]+)\)/g)].flatMap(([, path = "", anchor = ""]) => {
        if (/^https?:/.test(path)) return [];
        const target = path === "" ? page : normalize(join(dirname(page), path));
        const headings = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) =>
          text.toLowerCase().replaceAll(/[^\w\s-]/g, "").replaceAll(/\s/g, "-")
        );
        return headings.includes(anchor) ? [] : [`${page}: ${path}#${anchor}`];
      })
    );
    expect(dead).toEqual([]);
  });
});

describe("decisions", () => {
  it("have a number each, which their headings repeat", () => {
    const decisions = pages.filter((page) => /^docs\/adr\/\d/.test(page)).map((page) => [page, Number(page.slice("docs/adr/".length).slice(0, 4))] as const);
    expect(decisions.filter(([page, number]) => !read(page).startsWith(`# ${number}. `)).map(([page]) => page)).toEqual([]);
    expect(new Set(decisions.map(([, number]) => number)).size).toBe(decisions.length);
  });
});

describe("reference pages", () => {
  it.each([...referencePages()])("%s says what the code says", (path, text) => {
    expect(read(path), "run npm run reference").toBe(text);
  });

  it("name every variable that the server and the command read", () => {
    const sources = execFileSync("git", ["ls-files", "api/server.ts", "scripts"], { cwd: projectFolder, encoding: "utf8" })
      .split("\n").filter((path) => path.endsWith(".ts") && !path.includes(".test.") && existsSync(join(projectFolder, path)));
    const readThere = sources.flatMap((path) => [...read(path).matchAll(/(?:env|environment)(?:\["|\.)([A-Z][A-Z_]+)\b/g)].map(([, name]) => name));
    const named = new Set([...read("docs/reference/settings.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
    // The system's own, the build machine's, and a developer's.
    const others = ["PATH", "CI", "AUDIT_SAMPLE_DIR"];
    expect([...new Set(readThere)].filter((name) => !named.has(name) && !others.includes(name ?? ""))).toEqual([]);
    expect(readThere).toContain("AUDIT_SECRET_KEY");
  });

  it("name every error of a request with its status, and every error of an event", () => {
    const page = read("docs/reference/errors.md");
    const [ofRequests = "", ofEvents = ""] = page.split("## Of an event");
    const requests = [...ofRequests.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, code, status]) => [code, Number(status)]);
    expect(Object.fromEntries(requests)).toEqual(Object.fromEntries(Object.entries(errorCodes).map(([code, { status }]) => [code, status])));
    const union = /export type EventErrorCode =(.*?);/s.exec(read("core/errors.ts"))?.[1] ?? "";
    const codes = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(10);
    expect([...ofEvents.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code).sort()).toEqual(codes.sort());
  });

  it("name every event that the log writes itself", () => {
    const sources = execFileSync("git", ["ls-files", "core/*.ts", "adapters/*.ts", "api/*.ts", "sdk/src/*.ts"], { cwd: projectFolder, encoding: "utf8" })
      .split("\n").filter((path) => path !== "" && !path.includes(".test.") && existsSync(join(projectFolder, path)));
    const written = new Set(sources.flatMap((path) => [...read(path).matchAll(/"(audit\.\w+\.\w+)"/g)].map(([, type]) => type)));
    const named = new Set([...read("docs/reference/events-we-write.md").matchAll(/`(audit\.\w+\.\w+)`/g)].map(([, type]) => type));
    expect([...written].filter((type) => !named.has(type))).toEqual([]);
    expect([...named].filter((type) => !written.has(type))).toEqual([]);
  });

  it("describe every name that the client exports, and every member of it", () => {
    const parts = read("docs/reference/sdk.md").split(/^(?=#{2,4} )/m).filter((part) => part.startsWith("####"));
    expect(parts.length).toBeGreaterThan(50);
    // A part begins with its name, and the declaration where it has no members; then come words.
    const nameless = parts.filter((part) => !/^#### .*\n\n(?:```ts\n.*\n```\n\n)?[`\w]/.test(part)).map((part) => part.split("\n")[0]);
    expect(nameless).toEqual([]);
    expect(parts.flatMap((part) => part.split("\n").filter((line) => /^\|.*\| *\|$/.test(line)))).toEqual([]);
  });

  it("describe every type that a declaration of the client names", () => {
    const page = read("docs/reference/sdk.md");
    const described = new Set([...page.matchAll(/^#### `(\w+)/gm)].map(([, name]) => name));
    const code = [...page.matchAll(/^```ts\n(.*)\n```$/gm), ...page.matchAll(/^\| `[^`]*` \| `([^`]*)` \|/gm), ...page.matchAll(/^All of (.*), and:$/gm)];
    const named = new Set(code.flatMap(([, text = ""]) => text.replaceAll(/"[^"]*"/g, "").match(/\b[A-Z]\w+/g) ?? []));
    const bound = new Set([...page.matchAll(/\[(?:readonly )?(\w+) in /g)].map(([, name]) => name));
    const platform =
      "AbortSignal AsyncGenerator AsyncIterable Context Date MiddlewareHandler Partial Pick Promise Readonly Record RequestInit Response Uint8Array Variables"
        .split(" ");
    expect([...named].filter((name) => !described.has(name) && !bound.has(name) && !platform.includes(name))).toEqual([]);
    expect(platform.filter((name) => !named.has(name))).toEqual([]);
  });
});

describe("docs/reference/query.md", () => {
  const page = read("docs/reference/query.md");
  const [, keys = "", forms = ""] = page.split(/^\| (?:key|write) \|.*$/m);

  it("names every key of the language", () => {
    const named = [...keys.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell = ""]) => [...cell.matchAll(/`([\w.<>]+)`/g)].map(([, key]) => key));
    expect(named.filter((key) => !key?.startsWith("context.")).sort()).toEqual([...queryKeys].sort());
  });

  it("shows queries that are understood", () => {
    const written = [...forms.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, query = ""]) => query));
    const whole = [...page.matchAll(/^```query\n(.*)\n```$/gm)].map(([, query = ""]) => query);
    expect([written.length, whole.length]).toEqual([10, 1]);
    for (const query of [...written, ...whole]) expect([query, parseQuery(query).faults]).toEqual([query, []]);
    expect(parseQuery(whole[0] as string).query.conditions).toHaveLength(5);
  });

  it("states the bounds that hold", () => {
    expect(page).toContain(`at most ${limits.queryTermsMax} terms`);
    expect(limits.queryDefaultDays).toBe(7);
    for (const refused of ["-created:2026-01-31", "action:order*created", "result:*", "id:019ab*"]) {
      expect([refused, parseQuery(refused).faults.length]).toEqual([refused, 1]);
    }
  });
});

it("docs/reference/access.md says of every route which scope opens it", () => {
  const said = [...read("docs/reference/access.md").matchAll(/^\| `(\w+) (\/[^`]*)` \| (?:`(\w+)`|none) \|$/gm)].map((
    [, method, path, scope = "public"],
  ) => [`${method} ${path}`, scope]);
  const rules = Object.entries(routeRules).map(([route, { needs }]) => [route.replace(" /api/v1/audit/", " /"), needs]);
  expect(rules.length).toBeGreaterThan(20);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(rules));
});

it.each(["docs/README.md", "llms.txt"])("%s leads to every page but the decisions, which it names as a folder", (index) => {
  const led = new Set([...read(index).matchAll(/\]\(([^)#\s]+)/g)].map(([, target = ""]) => normalize(join(dirname(index), target))));
  const missing = pages.filter((page) => page.startsWith("docs/") && !page.startsWith("docs/adr/") && page !== "docs/README.md" && !led.has(page));
  expect([missing, led.has("docs/adr/")]).toEqual([[], true]);
});

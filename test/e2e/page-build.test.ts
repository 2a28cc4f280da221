import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createPage } from "../../api/page.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";

const dist = join(projectFolder, "web", "dist");
const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));

describe("the page as it is built", () => {
  it("is under 350 kB gzip in all", () => {
    expect(files.length).toBeGreaterThan(3);
    const sizes = files.map((name) => gzipSync(readFileSync(join(dist, name)), { level: 9 }).byteLength);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(350_000);
  });

  it("loads nothing from anywhere else, and has no inline script or style", () => {
    const html = readFileSync(join(dist, "index.html"), "utf8");
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(2);
    expect(addresses.filter((address) => !address?.startsWith("./"))).toEqual([]);
    expect(html).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\son\w+=|style="/);
    for (const name of files.filter((file) => file.endsWith(".css"))) {
      expect(readFileSync(join(dist, name), "utf8"), name).not.toMatch(/@import|url\((?!['"]?data:)/);
    }
  });

  it("is served under a policy that allows no inline code, no other origin and no frame", async () => {
    const page = createPage(dist, { supabase_url: "https://project.supabase.co/auth" });
    const policy = (await page.request("/")).headers.get("content-security-policy") ?? "";
    const directives = new Map(policy.split("; ").map((text) => [text.split(" ")[0], text.split(" ").slice(1)]));
    expect(directives.get("default-src")).toEqual(["'none'"]);
    expect(directives.get("script-src")).toEqual(["'self'"]);
    expect(directives.get("connect-src")).toEqual(["'self'", "https://project.supabase.co"]);
    expect(directives.get("frame-ancestors")).toEqual(["'none'"]);
    expect(directives.get("base-uri")).toEqual(["'none'"]);
    expect(policy).not.toMatch(/unsafe|\*|data:/);
  });
});

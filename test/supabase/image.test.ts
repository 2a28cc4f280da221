import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { keepOutput } from "../support/kept-output.ts";
import { testEnvironment } from "../support/tokens.ts";

const dockerfile = readFileSync(join(projectFolder, "Dockerfile"), "utf8");
const line = (form: RegExp) => form.exec(dockerfile)?.[1] ?? "";

describe("Dockerfile", () => {
  it("lays out a server that runs without node_modules and serves the page beside the API", async () => {
    const image = mkdtempSync(join(tmpdir(), "audit-events-image-"));
    const port = await freePort();
    try {
      execFileSync(process.execPath, [line(/&& node (\S+) \/out\/api$/m), join(image, line(/^COPY --from=build \/out\/api (\S+)$/m))], { cwd: projectFolder });
      cpSync(join(projectFolder, "package.json"), join(image, "package.json"));
      const page = line(/^COPY --from=build \/src\/web\/dist (\S+)$/m);
      mkdirSync(join(image, page), { recursive: true });
      cpSync(join(projectFolder, "web/dist"), join(image, page), { recursive: true });

      const [, ...args] = JSON.parse(line(/^CMD (.+)$/m)) as string[];
      const env = { ...testEnvironment({ url: "postgresql://nobody:x@127.0.0.1:1/none" }), NODE_ENV: "production", HOST: "127.0.0.1", PORT: String(port) };
      const server = spawn(process.execPath, args, { cwd: image, env, stdio: ["ignore", "pipe", "pipe"] });
      for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", keepOutput("image", env));
      const ended = new Promise((resolve) => server.once("close", resolve));
      try {
        await expect.poll(() => fetch(`http://127.0.0.1:${port}/healthz`).then(({ status }) => status, () => 0), { timeout: 60_000 }).toBe(200);
        const shown = await fetch(`http://127.0.0.1:${port}/`);
        expect(shown.headers.get("content-type")).toMatch(/^text\/html/);
        expect(await shown.text()).toContain("<!doctype html>");
      } finally {
        server.kill("SIGTERM");
        expect(await ended).toBe(0);
      }
    } finally {
      rmSync(image, { recursive: true, force: true });
    }
  });
});

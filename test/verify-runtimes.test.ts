import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import chromium from "@sparticuz/chromium";
import { chromium as playwright } from "playwright-core";
import { build } from "vite";
import { afterAll, describe, expect, it } from "vitest";
import { signCheckpoint } from "../core/format/checkpoint.ts";
import { inclusionProof } from "../core/format/merkle-proof.ts";
import { treeRoot } from "../core/format/merkle.ts";
import { formatReceipt } from "../core/format/proof.ts";
import { leafOf } from "../core/leaf.ts";
import type { AuditEvent } from "../core/event.ts";
import { eventRow, randomEvents, randomFrom } from "./support/random-events.ts";
import { firstKey, logOrigin } from "./support/sealed-log.ts";
import { sha256 } from "./support/sha256.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "audit-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const events = randomEvents(randomFrom(11), 300, { tenantIds: [tenantId] });
const leaves = events.map((event) => Buffer.from(eventRow(event).leafHash, "hex"));
const index = 171;
const event = events[index] as AuditEvent;
const checkpoint = await signCheckpoint({ origin: `${logOrigin}/${tenantId}`, size: 300, root: treeRoot(sha256, leaves) }, firstKey.signer, new Date());
const receipt = formatReceipt({ index, path: inclusionProof(sha256, leaves, index), checkpoint, leaf: new TextEncoder().encode(leafOf(event)) });
const forged = receipt.replace("index 171", "index 170");

/** Runs in any runtime: checks a receipt and one that was spoiled. */
const program = `
import { followRotations } from "${root}verify/keys.ts";
import { verifyReceipt } from "${root}verify/receipt.ts";
export async function run(receipt, forged, key) {
  const ring = await followRotations([key], []);
  const proven = await verifyReceipt(receipt, ring);
  const refused = await verifyReceipt(forged, ring).then(() => "accepted", (fault) => fault.message);
  return { index: proven.index, id: proven.event.id, refused };
}
`;
const wanted = { index, id: event.id, refused: "verify receipt: event: is not in the log that the checkpoint states" };

describe("verifyReceipt()", () => {
  const script = `${program}\nconsole.log(JSON.stringify(await run(${
    [receipt, forged, firstKey.verifierKey].map((text) => JSON.stringify(text)).join(", ")
  })));\n`;

  it.each([
    ["Node", process.execPath, []],
    ["Deno 2.9", join(root, "node_modules/.bin/deno"), ["run", "--no-config"]],
    ["Deno 2.1.4", join(root, "node_modules/deno-2.1.4/deno"), ["run", "--no-config"]],
  ])("runs in %s, without any permission or package", (name, command, args) => {
    const file = join(folder, `${name.replace(" ", "-")}.mts`);
    writeFileSync(file, script);
    const ran = spawnSync(command, [...args, file], { encoding: "utf8", env: { ...process.env, DENO_TLS_CA_STORE: "system", NO_COLOR: "1" } });
    expect(ran.stderr.includes("error") ? ran.stderr : "").toBe("");
    expect(JSON.parse(ran.stdout)).toEqual(wanted);
  });

  it("runs in a browser", async () => {
    writeFileSync(join(folder, "browser.ts"), `${program}\nglobalThis.run = run;\n`);
    await build({
      root: folder,
      configFile: false,
      logLevel: "error",
      build: { outDir: join(folder, "out"), lib: { entry: join(folder, "browser.ts"), formats: ["iife"], name: "verify", fileName: () => "verify.js" } },
    });
    const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args, headless: true });
    try {
      const page = await browser.newPage();
      // WebCrypto is there only in a secure context.
      await page.route("https://verify.example/", (route) => route.fulfill({ body: "<!doctype html>", contentType: "text/html" }));
      await page.goto("https://verify.example/");
      await page.addScriptTag({ content: readFileSync(join(folder, "out/verify.js"), "utf8") });
      const answer = await page.evaluate(
        ([one, other, key]) => (globalThis as unknown as { run: (...texts: unknown[]) => Promise<unknown> }).run(one, other, key),
        [receipt, forged, firstKey.verifierKey],
      );
      expect(answer).toEqual(wanted);
    } finally {
      await browser.close();
    }
  });
});

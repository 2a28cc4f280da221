import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { makeApiKey } from "../../core/api-key.ts";
import { canary, canaryAddress } from "./canary.ts";
import { findLeaks, keptFolder, leakReport, secretsFolder } from "./find-leaks.ts";
import { startFunction } from "./functions.ts";
import { keepOutput, learnSecret } from "./kept-output.ts";
import { secretKey, signToken, testEnvironment } from "./tokens.ts";

const signingKey = "PRIVATE+KEY+log.example+0011aabb+AU8rbTYxsP2Vq3bQW0c9dXhJk5LmZ7eRtYuIoPaSdFgH";
const { id, text: apiKey } = makeApiKey((length) => crypto.getRandomValues(new Uint8Array(length)));

describe("findLeaks()", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(inject("runFolder"), "leaks-"));
    for (const name of [keptFolder, secretsFolder]) mkdirSync(join(folder, name));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const leaksOf = (printed: string, secrets = "") => {
    writeFileSync(join(folder, secretsFolder, "1"), secrets);
    writeFileSync(join(folder, keptFolder, "test~a.test.ts door 1-0"), printed);
    return findLeaks(folder);
  };

  it.each([
    ["an API key", "API key", () => apiKey],
    ["a user's token", "token", () => signToken()],
    ["the project's secret key", "secret key", () => secretKey],
    ["a signing key", "signing key", () => signingKey],
    ["a URL with a password", "database password", () => "postgresql://postgres:hunter2@127.0.0.1:5432/test"],
    ["somebody's data", "personal data", () => canary.toUpperCase()],
    ["somebody's address", "personal data", () => canaryAddress],
  ])("finds %s in a line, and says where and what it is", async (_, kind, secret) => {
    const line = JSON.stringify({ level: "info", event: "ingest", note: `it was ${await secret()}, it was` });
    const leaks = leaksOf(`{"event":"request"}\n${line}\n`);
    expect(leaks).toEqual([{ file: "test~a.test.ts door 1-0", line: 2, kind, event: "ingest" }]);
    expect(leakReport(leaks)).toEqual([`test/a.test.ts door 1-0, line 2 (ingest): ${kind}`]);
  });

  it("finds a part of a secret that the run learnt, which no shape gives away", async () => {
    const [, , signature = ""] = (await signToken()).split(".");
    for (const [secret, part] of [[apiKey, apiKey.slice(-38)], [signingKey, signingKey.slice(-44)], [signature, signature]] as const) {
      expect(leaksOf(`{"note":"${part}"}\n`)).toEqual([]);
      const runs = secret.match(/[0-9A-Za-z]{20,}/g) ?? [];
      expect(leaksOf(`{"note":"${part}"}\n`, runs.map((run) => `${run}\tlearnt\n`).join(""))).toMatchObject([{ line: 1, kind: "learnt" }]);
    }
  });

  it("reads lines of megabytes, as a refused statement makes them in PostgreSQL's log", () => {
    const long = "a".repeat(20_000_000);
    expect(leaksOf(`${long} eyJ${long} postgresql://${long}\n${long} ${apiKey}\n`)).toMatchObject([{ line: 2, kind: "API key" }]);
  });

  it("lets by what may be known: ids of keys, principals, requests, tenants and events", () => {
    const known = { principal: `key:${id}`, key: id, request_id: "0192f0c1-2345-7abc-8def-0123456789ab", tenant_id: "123e4567-e89b-12d3-a456-426614174000" };
    expect(leaksOf(`${JSON.stringify(known)}\npostgresql://127.0.0.1:5432/test\n`)).toEqual([]);
  });
});

describe("keepOutput()", () => {
  /** This run's own folders, as they are when it is over; what is planted is taken out again. */
  const planted = (kind: string) => findLeaks(inject("runFolder")).filter((leak) => leak.file.includes(kind));

  it("keeps what a function of a test prints, so that a leak of it is found", async () => {
    const entry = join(import.meta.dirname, "leaking-function.ts");
    const leaking = await startFunction("leaking", { env: testEnvironment({ url: "postgresql://nobody:x@127.0.0.1:1/none" }), entry });
    try {
      await fetch(leaking.url, { headers: { authorization: `Bearer ${apiKey}` } });
      await expect.poll(() => planted(" leaking ")).toMatchObject([{ kind: "API key", event: "leak.planted" }, { kind: "credential in authorization" }]);
      expect(planted(" leaking ")[0]?.file).toMatch(/^test~support~find-leaks\.test\.ts leaking /);
    } finally {
      await leaking.stop();
      forget(" leaking ");
    }
  });

  it("looks for what it has learnt in everything, whoever printed it", () => {
    learnSecret("a secret of the test", "aVeryLongSecretThatStandsNowhereElse");
    keepOutput("somebody")("aVeryLongSecretThatStandsNowhereElse");
    expect(planted(" somebody ")).toMatchObject([{ line: 1, kind: "a secret of the test" }]);
    forget(" somebody ");
  });
});

function forget(name: string): void {
  const folder = join(inject("runFolder"), keptFolder);
  for (const file of readdirSync(folder).filter((one) => one.includes(name))) {
    expect(readFileSync(join(folder, file), "utf8")).not.toBe("");
    rmSync(join(folder, file));
  }
}

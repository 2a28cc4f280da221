import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { findFunctions } from "../../scripts/stack/functions.ts";
import { type Hosted, type RunOptions, startHosted } from "./hosted.ts";

const script = join(projectFolder, "supabase/deploy-functions.sh");
const names = findFunctions().map(({ name }) => name);
const { signingKey } = await makeSigningKey("test.audit-events.dev", new Uint8Array(32).fill(7));

describe("a deployment that does not come to its end", () => {
  let hosted: Hosted;
  let envFile: string;
  let temporary: string;
  beforeAll(async () => {
    hosted = await startHosted("postgresql://nobody@127.0.0.1:9/none");
    envFile = join(hosted.folder, "settings.env");
    writeFileSync(envFile, `AUDIT_SIGNING_KEY=${signingKey}\nAUDIT_LOG_ORIGIN=test.audit-events.dev\n`);
    temporary = join(hosted.folder, "tmp");
    mkdirSync(temporary);
  });
  afterAll(() => hosted?.stop());

  const deploy = (steps: readonly string[], options: RunOptions = {}) =>
    hosted.run(script, ["--env-file", envFile, ...steps], { ...options, env: { TMPDIR: temporary, ...options.env } });
  const done = () => [...hosted.recorder.uploads.keys()].sort();

  it("says which function Supabase did not take, or that it was stopped there, and uploads all of them when it is run again", async () => {
    hosted.recorder.beforeUpload = (slug) => slug === names[1] ? 400 : 201;
    const failed = await deploy(["functions"]);
    expect(failed).toMatchObject({ status: 2, stderr: expect.stringMatching(/^run supabase functions deploy: it failed:\n/) });
    expect(failed.stderr).toContain(names[1]);
    expect(failed.stderr).toMatch(/run the same command again[^\n]*\n$/);
    expect(done()).not.toContain(names[1]);

    let kill: ((signal: NodeJS.Signals) => void) | undefined;
    hosted.recorder.beforeUpload = (slug) => {
      if (slug !== names[1]) return 201;
      kill?.("SIGINT");
      return new Promise(() => {});
    };
    const stopped = await deploy(["functions"], { started: (given) => void (kill = given) });
    expect(stopped).toMatchObject({ status: 130, stdout: expect.stringContaining("Stopped at the step functions; the same command goes on") });
    expect(done()).not.toContain(names[1]);

    hosted.recorder.beforeUpload = () => 201;
    expect(await deploy(["functions"])).toMatchObject({ status: 0, stderr: "" });
    expect(done()).toEqual(names);
  });

  it("leaves no file with secrets behind when it is stopped while the CLI reads it", async () => {
    const cli = join(hosted.folder, "sleeping-cli");
    writeFileSync(cli, `#!/bin/sh\necho here >'${hosted.folder}/reading'\nexec sleep 60\n`, { mode: 0o755 });
    let kill: ((signal: NodeJS.Signals) => void) | undefined;
    const running = deploy(["secrets", "functions"], { env: { SUPABASE_CLI: cli }, started: (given) => void (kill = given) });
    await vi.waitFor(() => expect(readdirSync(hosted.folder)).toContain("reading"), { timeout: 60_000 });
    const secrets = () => readdirSync(temporary).filter((name) => name.includes("secrets"));
    expect(secrets()).toHaveLength(1);
    kill?.("SIGINT");
    expect(await running).toMatchObject({ status: 130, stdout: expect.stringContaining("Stopped at the step secrets; the same command goes on") });
    expect(secrets()).toEqual([]);
  });
});

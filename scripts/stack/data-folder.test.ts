import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openDataFolder } from "./data-folder.ts";
import { projectFolder } from "./deno-process.ts";
import { freePort } from "./free-port.ts";

const folder = mkdtempSync(join(tmpdir(), "audit-data-folder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const port = String(await freePort());
const isRoot = process.getuid?.() === 0;
const mayMount = isRoot && spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", folder]).status === 0;

/** `npm start` on a data folder, without npm, which must end by itself; `before` makes it another program's child. */
function start(data: string, ...before: readonly string[]) {
  const [command = "", ...args] = [...before, process.execPath, "scripts/stack.ts", "--port", port, "--data", data];
  const { status, stderr } = spawnSync(command, args, { cwd: projectFolder, encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" });
  return { status, stderr };
}

/** Runs what follows with an empty file system of 64 KiB at `folder`, which nobody else sees. */
const onTmpfs = (options: string) => ["unshare", "--mount", "sh", "-c", `mount -t tmpfs -o size=64k,${options} tmpfs "$0" && exec "$@"`, folder];

describe("openDataFolder()", () => {
  it("makes the folder with all above it, for its owner alone, and takes it as it is the next time", () => {
    const path = join(folder, "a", "b");
    expect(openDataFolder(path)).toEqual(openDataFolder(path));
    expect(statSync(join(path, "logs")).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o700);
  });

  it("refuses a file, a place below a file and a link to nothing", () => {
    writeFileSync(join(folder, "file"), "");
    symlinkSync(join(folder, "nothing"), join(folder, "link"));
    expect(() => openDataFolder(join(folder, "file"))).toThrow(/file: a file is there: choose another with --data DIR$/);
    expect(() => openDataFolder(join(folder, "file", "data"))).toThrow(/a part of its name is a file: choose another with --data DIR$/);
    expect(() => openDataFolder(join(folder, "link"))).toThrow(/choose another with --data DIR$/);
  });

  it.runIf(isRoot)("refuses a folder of another account", () => {
    const foreign = join(folder, "foreign");
    mkdirSync(foreign);
    chownSync(foreign, 65_534, 65_534);
    expect(() => openDataFolder(foreign)).toThrow(/belongs to another account: start as that account, or choose another folder/);
  });
});

describe("npm start -- --data", () => {
  it.runIf(process.platform === "linux")("ends where no folder can be made and none is in the way", () => {
    expect(start("/proc/data")).toEqual({ status: 1, stderr: expect.stringMatching(/^open data folder \/proc\/data: .*: choose another with --data DIR\n$/) });
  });

  it.runIf(mayMount)("ends on a place that can only be read, and on one that is full", () => {
    expect(start(join(folder, "data"), ...onTmpfs("ro"))).toEqual({
      status: 1,
      stderr: expect.stringMatching(/can only be read: choose another with --data DIR\n$/),
    });
    expect(start(join(folder, "data"), ...onTmpfs("rw"))).toEqual({
      status: 1,
      stderr: expect.stringMatching(/\nThe disk of \S+\/data is full: make room, or choose another folder with --data DIR\n$/),
    });
  });
});

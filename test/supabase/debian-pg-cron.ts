import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { postgresFolder } from "../../scripts/stack/postgres-binaries.ts";

const run = promisify(execFile);

/**
 * A PostgreSQL 15 with Debian's pg_cron 1.4, the oldest that anybody is likely to have, in `folder`: npm's server with the extension's files laid over it.
 * Nothing is installed, so no root is needed. Throws, saying why, where the package is not to be had.
 */
export async function postgresWithPgCron(folder: string): Promise<string> {
  const unpacked = existsSync("/usr/lib/postgresql/15/lib/pg_cron.so") ? "/" : await downloadPackage(folder);
  const server = join(folder, "postgres-15");
  cpSync(postgresFolder(15), server, { recursive: true, verbatimSymlinks: true });
  const target = (pattern: RegExp) => {
    const found = readdirSync(server, { recursive: true, encoding: "utf8" }).find((path) => pattern.test(path));
    if (found === undefined) throw new Error(`lay pg_cron over PostgreSQL: nothing in ${server} is like ${pattern}`);
    return join(server, found, "..");
  };
  const extensions = join(unpacked, "usr/share/postgresql/15/extension");
  for (const name of readdirSync(extensions).filter((name) => name.startsWith("pg_cron"))) {
    cpSync(join(extensions, name), join(target(/\/plpgsql\.control$/), name));
  }
  cpSync(join(unpacked, "usr/lib/postgresql/15/lib/pg_cron.so"), join(target(/\/plpgsql\.so$/), "pg_cron.so"));
  chmodSync(folder, 0o711);
  return server;
}

/** The package's files, unpacked. */
async function downloadPackage(folder: string): Promise<string> {
  try {
    await run("apt-get", ["download", "postgresql-15-cron"], { cwd: folder, timeout: 60_000 });
    const file = readdirSync(folder).find((name) => name.endsWith(".deb"));
    await run("dpkg", ["-x", join(folder, file ?? ""), join(folder, "unpacked")], { timeout: 20_000 });
    return join(folder, "unpacked");
  } catch (cause) {
    throw new Error(`download postgresql-15-cron: ${(cause as Error).message.trim().split("\n").at(-1)}`, { cause });
  }
}

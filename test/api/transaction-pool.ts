import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "../../scripts/stack/free-port.ts";
import { postgresAccount } from "../../scripts/stack/postgres-account.ts";

export type TransactionPool = { readonly url: string; stop(): Promise<void> };

/** True when PgBouncer is installed: `apt-get install pgbouncer`. Builds install it, and must not go on without. */
export function hasPgBouncer(): boolean {
  const found = spawnSync("pgbouncer", ["--version"], { stdio: "ignore" }).status === 0;
  if (!found && process.env["CI"] === "true") throw new Error("test the transaction pool: pgbouncer is not installed, and a build needs it");
  return found;
}

/** PgBouncer in transaction mode before the database of `url`: every client shares `size` server connections, as behind Supabase's pooler. */
export async function startTransactionPool(url: string, size: number): Promise<TransactionPool> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const account = postgresAccount();
  const folder = mkdtempSync(join(tmpdir(), "audit-events-pgbouncer-"));
  const listenPort = await freePort();
  const name = pathname.slice(1);
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
${name} = host=${hostname} port=${port} dbname=${name} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${size}
max_client_conn = 500
query_wait_timeout = 60
logfile = ${join(folder, "pgbouncer.log")}
pidfile =
`,
  );
  if (account !== undefined) { for (const path of [folder, join(folder, "pgbouncer.ini")]) chownSync(path, account.uid, account.gid); }
  const child = spawn("pgbouncer", ["--quiet", join(folder, "pgbouncer.ini")], { ...account, cwd: "/", stdio: "ignore" });
  const ended = once(child, "exit");
  const pooled = `postgresql://${username}:${password}@127.0.0.1:${listenPort}/${name}`;
  await answers(pooled);
  return {
    url: pooled,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0;; attempt++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.query("select 1");
      return await client.end();
    } catch (error) {
      await client.end().catch(() => undefined);
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

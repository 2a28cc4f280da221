import { readFileSync } from "node:fs";
import pg from "pg";

const preludeSql = readFileSync(new URL("prelude.sql", import.meta.url), "utf8");

/** Makes a database look like a fresh Supabase project and gives the login `postgres` its password. May run again. `adminUrl` is the superuser's. */
export async function prepareDatabase(adminUrl: string, postgresPassword: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(preludeSql);
    // The password must not reach the server's log, where a failed statement is written out.
    await client.query("set log_min_error_statement = 'panic'");
    await client.query(`alter role postgres password ${client.escapeLiteral(postgresPassword)}`);
  } finally {
    await client.end();
  }
}

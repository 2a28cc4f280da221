import pg from "pg";

const connectTimeoutMs = 10_000;

/** Runs `work` in one transaction, as `role` or as the login itself. Nothing of it stays when it throws. */
export async function inDatabase<T>(url: string, role: "audit_job" | undefined, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(role === undefined ? "begin" : `begin; set local role ${role}`);
    const result = await work(client);
    await client.query("commit");
    return result;
  } finally {
    await client.end();
  }
}

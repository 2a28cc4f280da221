import { Client } from "pg";
import type { StoredRow } from "./history-leaf.ts";

/**
 * Every event of a database, all tenants, in the text PostgreSQL prints. Read as superuser and without any adapter of the product: what the
 * checker sees depends neither on row-level security nor on the code under test.
 */
export async function readStoredRows(adminUrl: string, where = "true"): Promise<readonly StoredRow[]> {
  const client = new Client({ connectionString: adminUrl, types: { getTypeParser: () => (text: string) => text } as never });
  await client.connect();
  try {
    await client.query("set timezone = 'UTC'; set datestyle = 'ISO'; set extra_float_digits = 1; set bytea_output = 'hex'");
    const { rows } = await client.query<StoredRow>(`select e.* from audit_log.events e where ${where} order by e.seq`);
    return rows;
  } finally {
    await client.end();
  }
}

/** How many events a database holds, all tenants. */
export async function countStoredRows(adminUrl: string, where = "true"): Promise<number> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(`select count(*) as count from audit_log.events where ${where}`);
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

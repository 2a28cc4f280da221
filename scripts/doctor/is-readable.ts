import type pg from "pg";

const sql = `
  select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as readable
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2`;

/** True when the table is there and the login may read it. `to_regclass()` would raise an error where the login may not even look into the schema. */
export async function isReadable(client: pg.Client, schema: string, table: string): Promise<boolean> {
  const { rows } = await client.query<{ readable: boolean }>(sql, [schema, table]);
  return rows[0]?.readable === true;
}

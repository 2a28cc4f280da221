import type { Client } from "pg";
import { functionsSql, relationsSql, rolesSql, schemasSql, triggerAndPolicySql } from "./catalogue.ts";

/** What is printed: the schema, and in `public` the one view that a migration makes there. */
const schema = "audit_log";

/**
 * The schema as text, read from the catalogue: what the database is, whatever order of migrations made it. The same on PostgreSQL 15, 17 and 18,
 * because it leaves out what only some of them know: the privilege MAINTAIN (since 17; the privilege matrix covers it), not-null constraints with names
 * (18; printed with their columns), and memberships that creating a role implies (16). Of the partitions it prints `samplePartition` alone.
 */
export async function printSchema(client: Client, samplePartition: string): Promise<string> {
  const blocks = await inCatalogueOrder(client, async () => [
    ...await lines(client, rolesSql),
    ...await lines(client, schemasSql, [schema]),
    ...await lines(client, relationsSql, [schema, samplePartition]),
    ...await lines(client, triggerAndPolicySql, [schema, samplePartition]),
    ...await lines(client, functionsSql, [schema]),
  ]);
  return `${header}\n${blocks.join("\n\n")}\n`;
}

const header =
  `-- The schema as the catalogue has it after all migrations. Printed by \`npm run schema\`, compared by \`npm run schema -- --check\`; never edited.
-- One partition stands for all: each is made by audit_log.ensure_partition().
`;

/** With an empty search_path every name is printed with its schema, whoever asks. */
async function inCatalogueOrder<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query("begin read only; set local search_path = ''; set local timezone = 'UTC'");
  try {
    return await work();
  } finally {
    await client.query("rollback");
  }
}

async function lines(client: Client, text: string, values: readonly unknown[] = []): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly definition: string }>(text, [...values]);
  return rows.map((row) => row.definition.trimEnd());
}

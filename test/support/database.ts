import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { superuser } from "../../scripts/stack/postgres-process.ts";
import { learnSecret } from "./kept-output.ts";
import { type ClusterAddress, password, type TemplateName } from "./cluster.ts";

export type TestDatabase = {
  readonly name: string;
  /** For the login `postgres`, which is no superuser: what our services and migrations use. */
  readonly url: string;
  /** For the superuser. */
  readonly adminUrl: string;
  drop(): Promise<void>;
};

/** A database of its own, with every migration applied; some 30 ms. `AUDIT_TEST_POSTGRES` or `major` picks 15 or 18 instead of 17. */
export async function createDatabase(options: { readonly template?: TemplateName; readonly major?: PostgresMajor } = {}): Promise<TestDatabase> {
  const major = options.major ?? Number(process.env["AUDIT_TEST_POSTGRES"] ?? 17);
  const answer = await fetch(`${inject("clusterUrl")}/${major}/${options.template ?? "migrated"}`);
  if (!answer.ok) throw new Error(`create a test database: ${await answer.text()}`);
  const { port, template }: ClusterAddress = JSON.parse(await answer.text());
  learnSecret("password of the database", password);
  const name = `test_${randomBytes(6).toString("hex")}`;
  const urlOf = (login: string, database: string) => `postgresql://${login}:${password}@127.0.0.1:${port}/${database}`;
  await run(urlOf(superuser, "postgres"), `create database ${name} template ${template} owner postgres`);
  return {
    name,
    url: urlOf("postgres", name),
    adminUrl: urlOf(superuser, name),
    drop: () => run(urlOf(superuser, "postgres"), `drop database if exists ${name} with (force)`),
  };
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

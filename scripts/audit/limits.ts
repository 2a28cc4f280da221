import { Command, InvalidArgumentError } from "commander";
import { actAs } from "../../adapters/postgres/act-as.ts";
import { inTransaction } from "../../adapters/postgres/transaction.ts";
import { limits } from "../../core/limits.ts";
import { withExamples } from "./examples.ts";
import { CommandError } from "./failure.ts";
import { operatorEvent, silent, withDatabase } from "./operator.ts";
import { type DatabaseOptions, databaseTarget, tenantUuid, withDatabaseTarget } from "./target.ts";

/** Quotas by their option: what the table calls them, and how they read in a sentence. */
const quotas = {
  ingest: { column: "ingest_per_second", wording: "events a second of the tenant" },
  ingestPerCaller: { column: "ingest_per_second_per_caller", wording: "events a second of one caller" },
  reads: { column: "reads_per_second", wording: "reading requests a second of the tenant" },
  readsPerCaller: { column: "reads_per_second_per_caller", wording: "reading requests a second of one caller" },
} as const;

type Quotas = { readonly [Name in keyof typeof quotas]?: number };
type ShowOptions = DatabaseOptions & { readonly json?: boolean };
type SetOptions = ShowOptions & Quotas & { readonly tenant: string; readonly defaults?: boolean };

/** `audit-events limits`: quotas of tenants that shall have others than the deployment's. */
export function limitsCommand(): Command {
  const command = new Command("limits").description("Quotas of single tenants; the others have those of the settings");
  const set = withDatabaseTarget(command.command("set").description("Give a tenant quotas of its own; what is not named is the deployment's"))
    .requiredOption("--tenant <id>", "the tenant")
    .option("--ingest <n>", quotas.ingest.wording, rate)
    .option("--ingest-per-caller <n>", quotas.ingestPerCaller.wording, rate)
    .option("--reads <n>", quotas.reads.wording, rate)
    .option("--reads-per-caller <n>", quotas.readsPerCaller.wording, rate)
    .option("--defaults", "take its own quotas away")
    .option("--json", "as JSON")
    .action(setQuotas);
  const show = withDatabaseTarget(command.command("show").description("List tenants that have quotas of their own")).option("--json", "as JSON").action(
    showQuotas,
  );
  const tenant = "123e4567-e89b-12d3-a456-426614174000";
  withExamples(set, `limits set --tenant ${tenant} --ingest 50000 --ingest-per-caller 50000`, `limits set --tenant ${tenant} --defaults`);
  withExamples(show, "limits show --local .audit");
  return command;
}

async function setQuotas(options: SetOptions): Promise<void> {
  const names = Object.keys(quotas) as (keyof Quotas)[];
  const values = names.map((name) => options[name] ?? null);
  const isEmpty = values.every((value) => value === null);
  if (isEmpty === (options.defaults !== true)) {
    throw new CommandError("no_quota", "set quotas: name quotas, or --defaults, and not both", "give for instance --ingest 50000");
  }
  const url = databaseTarget(options);
  const tenantId = tenantUuid(options.tenant);
  const isKnown = await withDatabase(url, (pool) =>
    actAs(pool, silent, "set quotas", { role: "audit_job" }, async (transaction) => {
      const known = await transaction.rows("select from audit_log.tenants where id = $1", [tenantId]);
      await transaction.rows("select audit_log.set_rate_limits($1, $2, $3, $4, $5)", [tenantId, ...values]);
      const detail = Object.fromEntries(names.flatMap((name) => options[name] === undefined ? [] : [[quotas[name].column, options[name]]]));
      return {
        result: known.length > 0,
        events: [operatorEvent(url, tenantId, { type: "audit.limits.changed", objectType: "audit.limits", objectId: tenantId, detail })],
      };
    }));
  if (options.json) {
    console.log(JSON.stringify({ tenant: { tenant_id: tenantId, ...Object.fromEntries(names.map((name, at) => [quotas[name].column, values[at]])) } }));
  } else {
    const told = names.flatMap((name) => options[name] === undefined ? [] : [`${options[name]} ${quotas[name].wording}`]);
    console.log(`tenant ${tenantId}: ${isEmpty ? "the deployment's quotas" : told.join(", ")}; in force within seconds`);
  }
  if (!isKnown) console.error("no tenant of this id was known before, now there is one: see whether the id is right");
}

type Row = { readonly tenant_id: string } & Readonly<Record<(typeof quotas)[keyof typeof quotas]["column"], number | null>>;

async function showQuotas(options: ShowOptions): Promise<void> {
  const columns = Object.values(quotas).map(({ column }) => column);
  const about = { role: "audit_job", action: "list quotas", statementTimeoutMs: limits.queryStatementTimeoutMs, log: silent } as const;
  const rows = await withDatabase(
    databaseTarget(options),
    (pool) =>
      inTransaction(
        pool,
        about,
        (transaction) => transaction.rows<Row>(`select tenant_id, ${columns.join(", ")} from audit_log.rate_limits order by tenant_id`),
      ),
  );
  if (options.json === true) return console.log(JSON.stringify({ tenants: rows }));
  if (rows.length === 0) console.log("No tenant has quotas of its own.");
  for (const row of rows) {
    const own = Object.values(quotas).flatMap(({ column, wording }) => row[column] === null ? [] : [`  ${row[column]} ${wording}`]);
    console.log([`tenant ${row.tenant_id}`, ...own].join("\n"));
  }
}

function rate(text: string): number {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text) || value < 1 || value > limits.rateMax) throw new InvalidArgumentError(`give a whole number from 1 to ${limits.rateMax}`);
  return value;
}

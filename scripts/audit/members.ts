import { Command, Option } from "commander";
import { actAs } from "../../adapters/postgres/act-as.ts";
import { withExamples } from "./examples.ts";
import { CommandError } from "./failure.ts";
import { operatorEvent, silent, withDatabase } from "./operator.ts";
import { type DatabaseOptions, databaseTarget, tenantUuid, withDatabaseTarget } from "./target.ts";

type Options = DatabaseOptions & { readonly tenant: string; readonly role: string };

/** `audit-events members`: what users of Supabase Auth may see. */
export function membersCommand(): Command {
  const members = new Command("members").description("Users of the project's Auth, and what they may see of the log");
  const grant = withDatabaseTarget(
    members.command("grant").description("Let a user into a tenant, with a role; it holds from the user's next token on, an hour at most"),
  )
    .argument("<user>", "the user's e-mail address or id")
    .requiredOption("--tenant <id>", "the tenant that is opened, beside those that are")
    .addOption(new Option("--role <role>", "what the user may do, in all of his tenants").choices(["viewer", "auditor", "admin"]).makeOptionMandatory())
    .action(run);
  withExamples(grant, "members grant ada@example.com --tenant 123e4567-e89b-12d3-a456-426614174000 --role auditor");
  return members;
}

// Claims come from app_metadata, which users cannot edit themselves. One statement: two grants at once keep both tenants.
const grantSql = `update auth.users as u
  set raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}'::jsonb) || jsonb_build_object('audit_role', $3::text, 'tenant_ids', (
    select jsonb_agg(distinct listed.id)
    from (
      select jsonb_array_elements_text(case when jsonb_typeof(u.raw_app_meta_data -> 'tenant_ids') = 'array' then u.raw_app_meta_data -> 'tenant_ids' else '[]' end) as id
      union select $2::text
    ) as listed
  ))
  where u.id::text = lower($1::text) or lower(u.email) = lower($1::text)
  returning u.id::text as id`;

async function run(user: string, options: Options): Promise<void> {
  const url = databaseTarget(options);
  const tenantId = tenantUuid(options.tenant);
  const id = await withDatabase(url, (pool) =>
    actAs(pool, silent, "grant membership", { role: "audit_job" }, async (transaction) => {
      // The roles of the log have no business in Supabase's tables: this is done as the login itself.
      await transaction.run("set local role none");
      const [auth] = await transaction.rows<{ readonly there: boolean }>("select to_regclass('auth.users') is not null as there", []);
      if (auth?.there !== true) {
        throw new CommandError(
          "no_auth",
          "grant membership: this database has no users of Supabase Auth",
          "ask the project's own database; the tokens of a local stack are in local.json, one for each role",
        );
      }
      const rows = await transaction.rows<{ readonly id: string }>(grantSql, [user, tenantId, options.role]);
      const [found, another] = rows;
      if (found === undefined || another !== undefined) {
        throw new CommandError(
          "unknown_user",
          `grant membership: ${rows.length} users have this address or id`,
          "invite the user in the dashboard first, or give the id",
        );
      }
      const detail = { role: options.role };
      return {
        result: found.id,
        events: [operatorEvent(url, tenantId, { type: "audit.member.granted", objectType: "audit.member", objectId: found.id, detail })],
      };
    }));
  console.log(`user ${id} is ${options.role} of tenant ${tenantId} from the next token on`);
}

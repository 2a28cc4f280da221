import { Command, Option } from "commander";
import { askApi } from "./api-client.ts";
import { withExamples } from "./examples.ts";
import { printable, tablePrinter, terminalWidth } from "./table.ts";
import { type ApiTarget, apiTarget, type TargetOptions, withApiTarget } from "./target.ts";

/** A hold as the API answers it. */
type Hold = {
  readonly id: string;
  readonly status: "active" | "released";
  readonly reason: string;
  readonly object_type: string | null;
  readonly object_id: string | null;
  readonly actor_id: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly placed_by: string;
  readonly placed_at: string;
  readonly released_by: string | null;
  readonly released_at: string | null;
  readonly release_reason: string | null;
  readonly archived_days: number;
};

type Options = TargetOptions & { readonly json?: boolean };
type PlaceOptions = Options & {
  readonly reason: string;
  readonly objectType?: string;
  readonly objectId?: string;
  readonly actorId?: string;
  readonly from?: string;
  readonly to?: string;
};

/** `audit-events holds`: legal holds of a tenant. Listing needs an auditor, placing and releasing an admin. */
export function holdsCommand(): Command {
  const holds = new Command("holds").description("Legal holds: what they cover neither expires nor is softly deleted");
  const add = (name: string, description: string) => withApiTarget(holds.command(name).description(description).option("--json", "as JSON"));
  withExamples(
    add("list", "List holds, newest first").addOption(new Option("--status <status>", "only these").choices(["active", "released"])).action(list),
    "holds list --local .audit --status active",
  );
  withExamples(
    add("show", "Show one hold").argument("<id>", "its id").action(async (id: string, options: Options) => {
      const { hold } = await askApi(apiTarget(options, "export"), "GET", `/holds/${encodeURIComponent(id)}`) as { hold: Hold };
      tell(hold, options);
    }),
    "holds show $HOLD --local .audit",
  );
  withExamples(
    add("place", "Place a hold on all events of which everything named is so")
      .requiredOption("--reason <text>", "why; it is kept in the log")
      .option("--object-type <name>", "only events about objects of this type")
      .option("--object-id <id>", "only events about this object")
      .option("--actor-id <id>", "only events of this actor")
      .option("--from <time>", "first moment; from the beginning when absent")
      .option("--to <time>", "last moment; without end when absent")
      .action(place),
    'holds place --local .audit --actor-id alice --reason "case 12"',
  );
  withExamples(
    add("release", "Release a hold, for good").argument("<id>", "its id").requiredOption("--reason <text>", "why; it is kept in the log").action(release),
    'holds release $HOLD --local .audit --reason "case closed"',
  );
  return holds;
}

async function list(options: Options & { readonly status?: string }): Promise<void> {
  const target = apiTarget(options, "export");
  const holds: Hold[] = [];
  let cursor: string | null = null;
  do {
    const asked = new URLSearchParams({ ...options.status === undefined ? {} : { status: options.status }, ...cursor === null ? {} : { cursor } });
    const page = await askApi(target, "GET", `/holds?${asked}`) as { readonly holds: readonly Hold[]; readonly next_cursor: string | null };
    holds.push(...page.holds);
    cursor = page.next_cursor;
  } while (cursor !== null);
  if (options.json) return console.log(JSON.stringify({ holds }));
  if (holds.length === 0) return console.log("No holds.");
  const table = tablePrinter<Hold>([
    { title: "ID", least: 36, share: 0, text: ({ id }) => id },
    { title: "STATUS", least: 8, share: 0, text: ({ status }) => status },
    { title: "PLACED", least: 10, share: 0, text: ({ placed_at }) => placed_at.slice(0, 10) },
    { title: "REASON", least: 10, share: 1, text: ({ reason }) => reason },
  ], terminalWidth());
  console.log([table.header(), ...holds.map(table.row)].join("\n"));
}

async function place(options: PlaceOptions): Promise<void> {
  const target = apiTarget(options, "admin");
  const { reason, objectType, objectId, actorId, from, to } = options;
  const { hold } = await post(target, "/holds", { reason, object_type: objectType, object_id: objectId, actor_id: actorId, from, to });
  tell(hold, options);
}

async function release(id: string, options: Options & { readonly reason: string }): Promise<void> {
  const { hold } = await post(apiTarget(options, "admin"), `/holds/${encodeURIComponent(id)}/release`, { reason: options.reason });
  tell(hold, options);
}

async function post(target: ApiTarget, path: string, body: Record<string, string | undefined>): Promise<{ readonly hold: Hold }> {
  return await askApi({ ...target, tenantId: undefined }, "POST", path, { ...body, tenant_id: target.tenantId }) as { readonly hold: Hold };
}

function tell(hold: Hold, { json }: Options): void {
  if (json) return console.log(JSON.stringify({ hold }));
  for (const [name, value] of Object.entries(hold)) if (value !== null) console.log(`${name.replaceAll("_", " ").padEnd(15)} ${printable(String(value))}`);
}

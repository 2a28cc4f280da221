import { type Command, Option } from "commander";
import { eventResults } from "../../core/event.ts";
import type { EventFilter } from "../../sdk/src/query.ts";

/** Which events: the words of the query language and what the options say, under the names that the API has. */
export type FilterOptions = {
  readonly from?: string;
  readonly to?: string;
  readonly source?: string;
  readonly eventType?: string;
  readonly result?: (typeof eventResults)[number];
  readonly actorId?: string;
  readonly actorType?: string;
  readonly objectType?: string;
  readonly objectId?: string;
  readonly ipAddress?: string;
  readonly requestId?: string;
  readonly includeDeleted?: boolean;
};

const filterHelp = `
A query is words and conditions such as actor:alice, action:order.* or
-result:success, divided by spaces; quote it for the shell. One that begins
with - goes after --.`;

/** Gives a command what says which events of which time. */
export function withFilter(command: Command): Command {
  return withConditions(
    command.option("--from <time>", "first moment: RFC 3339, or a date; default 7 days before --to")
      .option("--to <time>", "last moment; a date includes its whole day; default now, and what is dated ahead of it")
      .option("--include-deleted", "softly deleted events too (admins)"),
  );
}

/** Gives a command the query language as its argument and one option for every field that can be asked for. */
export function withConditions(command: Command): Command {
  return command.argument("[query...]", "conditions in the query language")
    .option("--source <name>", "system that the event came from")
    .option("--event-type <name>", "what happened")
    .addOption(new Option("--result <word>", "how it ended").choices([...eventResults]))
    .option("--actor-id <id>", "who did it")
    .option("--actor-type <name>", "kind of actor")
    .option("--object-type <name>", "kind of object")
    .option("--object-id <id>", "what it was done to")
    .option("--ip-address <ip>", "address or network it came from")
    .option("--request-id <id>", "request it belongs to")
    .addHelpText("after", filterHelp);
}

/** The options as parameters of the API. */
export function filterOf(words: readonly string[], options: FilterOptions): EventFilter {
  const { from, to, source, eventType, result, actorId, actorType, objectType, objectId, ipAddress, requestId, includeDeleted } = options;
  const all = {
    from,
    to,
    source,
    event_type: eventType,
    result,
    actor_id: actorId,
    actor_type: actorType,
    object_type: objectType,
    object_id: objectId,
    ip_address: ipAddress,
    request_id: requestId,
    include_deleted: includeDeleted,
    q: words.length === 0 ? undefined : words.join(" "),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as EventFilter;
}

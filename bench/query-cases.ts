/** A question of compliance staff; `turn` varies what is looked for. */
export type QueryCase = { readonly name: string; readonly parameters: (turn: number) => Readonly<Record<string, string>> };

const types = ["order.created", "order.updated", "order.cancelled", "user.login", "invoice.sent", "config.updated"] as const;
const dayMs = 86_400_000;
const dayAgo = (days: number) => new Date(Math.floor(Date.now() / dayMs) * dayMs - days * dayMs).toISOString().slice(0, 10);
/** Far in the past, another day each time: pages that nobody has just read. */
const pastDay = (turn: number) => ({ from: dayAgo(2 + (turn * 7) % 28), to: dayAgo(2 + (turn * 7) % 28) });

/** Every filter that there is, over the usual week unless it says otherwise. */
export const queryCases: readonly QueryCase[] = [
  { name: "no filter", parameters: () => ({}) },
  { name: "one day", parameters: (turn) => pastDay(turn) },
  { name: "all days", parameters: () => ({ from: dayAgo(91) }) },
  { name: "actor", parameters: (turn) => ({ actor_id: `user-${(turn * 37) % 10_000}` }) },
  { name: "actor, all days", parameters: (turn) => ({ actor_id: `user-${(turn * 41) % 10_000}`, from: dayAgo(91) }) },
  { name: "object", parameters: (turn) => ({ object_type: "order", object_id: `order-${(turn * 37) % 100_000}` }) },
  { name: "object, all days", parameters: (turn) => ({ object_type: "order", object_id: `order-${(turn * 41) % 100_000}`, from: dayAgo(91) }) },
  { name: "event type", parameters: (turn) => ({ event_type: types[turn % types.length] as string }) },
  { name: "result", parameters: (turn) => ({ result: turn % 2 === 0 ? "failure" : "warning" }) },
  { name: "source", parameters: (turn) => ({ source: turn % 2 === 0 ? "billing" : "admin-console" }) },
  { name: "actor type", parameters: () => ({ actor_type: "user" }) },
  { name: "object type", parameters: () => ({ object_type: "order" }) },
  { name: "address", parameters: (turn) => ({ ip_address: `10.${turn % 256}.0.0/16` }) },
  { name: "rare type", parameters: () => ({ event_type: "user.locked" }) },
  { name: "request", parameters: (turn) => ({ request_id: `req-${turn.toString(16)}` }) },
  { name: "words", parameters: (turn) => ({ q: `"order ${(turn * 37) % 1000}"` }) },
  { name: "words in context", parameters: (turn) => ({ q: `context.items:${turn % 9}` }) },
  { name: "several", parameters: (turn) => ({ q: `action:order.* -result:success source:billing actor:user-${turn % 10}*` }) },
];

import { randomUUID } from "node:crypto";
import pg from "pg";
import { createDatabase } from "../support/database.ts";
import { startService, tokenOf } from "./service.ts";
import { startTransactionPool } from "./transaction-pool.ts";

export type Findings = {
  readonly requests: number;
  readonly rows: number;
  readonly foreignRows: number;
  readonly wrongCounts: readonly string[];
  /** What a new client of the pool finds set by others. */
  readonly leftovers: readonly string[];
};

type Tenant = { readonly id: string; readonly token: string; readonly events: number; readonly eventId: string };

/** `requests` of 20 tenants, 32 at a time, through a pool of two connections in which each transaction may meet the one that another tenant has just used. */
export async function askThroughPool(requests: number): Promise<Findings> {
  const database = await createDatabase();
  const pool = await startTransactionPool(database.url, 2);
  const service = await startService({ database, env: { AUDIT_DATABASE_URL: pool.url, AUDIT_DATABASE_POOL_SIZE: "16" } });
  const findings = { requests: 0, rows: 0, foreignRows: 0, wrongCounts: [] as string[], leftovers: [] as string[] };
  try {
    const tenants: Tenant[] = [];
    for (let n = 0; n < 20; n++) {
      const id = randomUUID();
      const stored = await service.store(id, Array.from({ length: 5 + n }, () => ({ source: "pool", message: id, actor_id: id, event_type: "pool.event" })));
      tenants.push({ id, token: await tokenOf("auditor", [id]), events: 5 + n, eventId: stored[0]?.id ?? "" });
    }
    const check = (kind: string, tenant: Tenant, text: string, expected: number) => {
      const seen = text.match(/"tenant_id":"[0-9a-f-]{36}"|"message":"[0-9a-f-]{36}"|"value":"[0-9a-f-]{36}"/g) ?? [];
      findings.rows += seen.filter((member) => member.startsWith('"t') || member.startsWith('"v')).length;
      findings.foreignRows += seen.filter((member) => !member.includes(tenant.id)).length;
      const own = seen.filter((member) => member.startsWith('"m') || member.startsWith('"v')).length;
      if (own !== expected) findings.wrongCounts.push(`${kind}: ${own} of ${expected}`);
    };
    const ask = async (n: number) => {
      const tenant = tenants[Math.floor(Math.random() * tenants.length)] as Tenant;
      const as = tenant.token;
      const kind = ["list", "list", "page", "event", "stats", "store"][n % 6] as string;
      if (kind === "list") check(kind, tenant, (await service.ask("/events?source=pool&limit=1000", { as })).text, tenant.events);
      if (kind === "page") check(kind, tenant, (await service.ask("/events?event_type=pool.event&limit=3&order=asc", { as })).text, 3);
      if (kind === "event") check(kind, tenant, (await service.ask(`/events/${tenant.eventId}`, { as })).text, 1);
      if (kind === "stats") check(kind, tenant, (await service.ask("/stats?source=pool", { as })).text, 1);
      if (kind === "store") {
        const { status } = await service.ask("/events", { as, method: "POST", body: { events: [{ event_type: "other.event" }] } });
        if (status !== 201) findings.wrongCounts.push(`store: ${status}`);
      }
      findings.requests++;
      if (n % 100 === 0) findings.leftovers.push(...await leftoversOf(pool.url));
    };
    let next = 0;
    await Promise.all(Array.from({ length: 32 }, async () => {
      while (next < requests) await ask(next++);
    }));
  } finally {
    await service.settled();
    await service.stop();
    await pool.stop();
    await database.drop();
  }
  return findings;
}

/** Settings that outlived the transaction they were for, as the pool's next client would have them. */
async function leftoversOf(url: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      "select current_user::text as role, coalesce(nullif(current_setting('request.jwt.claims', true), ''), '-') as claims, current_setting('statement_timeout') as timeout",
    );
    const [{ role, claims, timeout }] = rows;
    return role === "postgres" && claims === "-" && timeout === "0" ? [] : [`${role} ${claims} ${timeout}`];
  } finally {
    await client.end();
  }
}

import { v7 } from "uuid";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import type { AuditEvent } from "../../core/event.ts";
import { eventRow } from "../support/random-events.ts";
import type { LocalFile } from "../support/stack.ts";
import { post } from "./page-events.ts";

/** How many events of one type are archived, and how many stand in the database. */
export const [archivedCount, hotCount] = [30, 3];
export const ledgerType = "ledger.closed";

/** A UTC day that is no longer hot where the setting is left as it is. */
export const archivedDay = new Date(Date.now() - 95 * 86_400_000).toISOString().slice(0, 10);

/**
 * Events of `ledgerType` on both sides of the line: the older ones stored as the door did when they were young, sealed, and archived by the stack's own
 * functions. Resolves when their day has left the database.
 */
export async function archiveDay(local: LocalFile): Promise<void> {
  const tenantId = local.tenants[0]?.id ?? "";
  const pool = createPool({ databaseUrl: local.database_url, databasePoolSize: 1 }, () => {});
  try {
    const start = Date.parse(`${archivedDay}T09:00:00Z`);
    const events = Array.from({ length: archivedCount }, (_, index) => oldEvent(tenantId, start + index * 60_000, index));
    await createEventStore(pool, () => {}).insert(events.map(eventRow));
    await post(local, 0, Array.from({ length: hotCount }, (_, index) => ({ event_type: ledgerType, object_type: "ledger", object_id: `now-${index}` })));
    const isDropped = async () => {
      await call(local, "audit-sealer");
      await call(local, "audit-retention");
      const { rows } = await pool.query("select from audit_log.archive_days where day = $1 and state = 'dropped'", [archivedDay]);
      return rows.length === 1;
    };
    // Sealing waits for the stack's own to let go, and a call of the archiver is bounded.
    for (let turn = 0; !await isDropped(); turn++) if (turn === 50) throw new Error(`archive ${archivedDay}: it is still in the database`);
  } finally {
    await pool.end();
  }
}

function oldEvent(tenantId: string, ms: number, index: number): AuditEvent {
  return {
    tenant_id: tenantId,
    occurred_at: new Date(ms).toISOString(),
    id: v7({ msecs: ms }),
    received_at: `${archivedDay}T10:00:00.000Z`,
    principal: "key:old",
    event_type: ledgerType,
    object_type: "ledger",
    object_id: `year-${index}`,
    result: "success",
    context: { balance: index * 1.5, currency: "€" },
  };
}

async function call(local: LocalFile, name: string): Promise<void> {
  const answer = await fetch(`${local.url}/functions/v1/${name}`, { method: "POST", headers: { apikey: local.secret_key } });
  if (!answer.ok) throw new Error(`call ${name}: it answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  await answer.body?.cancel();
}

import type { SourceRecord } from "./import-record.ts";

/**
 * A row of supa_audit's `audit.record_version` as an event: one change of one row of a table. Who made it is in columns that only some installations have
 * (`auth_uid`, `auth_role`). Both versions of the row go into the context, under supa_audit's own names.
 */
export function eventOfRecordVersion(row: SourceRecord): Record<string, unknown> {
  const { id, record_id, old_record_id, op, ts, table_oid, table_schema, table_name, auth_uid, auth_role, ...rest } = row;
  const table = `${table_schema}.${table_name}`;
  const kept = { record_version_id: id, table_oid, auth_role, ...rest };
  return withoutNulls({
    occurred_at: ts,
    source: "supa_audit",
    event_type: nameOf(`${table}.${String(op).toLowerCase()}`),
    object_type: nameOf(table),
    object_id: record_id ?? old_record_id,
    actor_id: auth_uid,
    actor_type: auth_uid === null || auth_uid === undefined ? undefined : "user",
    context: withoutNulls(/^[A-Za-z0-9_.:/-]+$/.test(table) ? kept : { ...kept, table_schema, table_name }),
  });
}

/** A table's name as a type name: what these may not hold becomes an underscore. */
function nameOf(table: string): string {
  return table.replaceAll(/[^A-Za-z0-9_.:/-]/g, "_");
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

import { AuditError } from "./errors.ts";
import type { EventResult, Json } from "./event.ts";
import { faultRecord } from "./fault-record.ts";
import { formatTimestamp } from "./format/timestamp.ts";
import { limits } from "./limits.ts";
import { type Actor, type EventIdentity, newIdentity, ownEventRow } from "./own-event.ts";
import type { EventRow, EventStore, Log, TextSha256 } from "./ports.ts";

/** Event types under which access to the log is itself recorded. Live counts leave them out: reading must not look like activity. */
export const accessEventTypes = ["audit.events.viewed", "audit.events.export_started", "audit.events.exported", "audit.report.created"] as const;
export type AccessEventType = (typeof accessEventTypes)[number];

/** Who reads. */
export type Reader = Actor;

/** What was read: `subject` is stable text that tells one question from another. */
export type Access = {
  readonly objectType: "audit.filter" | "audit.event" | "audit.report";
  readonly subject: string;
  readonly detail: { readonly [key: string]: Json };
};

export type RecordedAccess = EventIdentity;

/** Writes down who read what, in the reader's own tenant's log. */
export type AccessRecorder = {
  /** Records a view in the background, once per principal, tenant and subject in ten minutes, also over several processes. Never throws; a fault is logged. */
  viewed(reader: Reader, access: Access): void;
  /** Records now and durably, or throws `not_recorded`. `key` fixes id and time before, so that a manifest can name its record. */
  record(type: AccessEventType, reader: Reader, access: Access, result?: EventResult, key?: RecordedAccess): Promise<RecordedAccess>;
  /** An id and time for a record that is written later. */
  nextKey(): RecordedAccess;
};

export type AccessRecorderParts = {
  readonly events: EventStore;
  readonly now: () => Date;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly sha256: TextSha256;
  readonly log: Log;
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
};

const periodMs = limits.viewRecordMinutes * 60_000;

/** A recorder that writes through the ordinary door's store: a read is an event like any other, hashed, sealed and kept. */
export function createAccessRecorder(parts: AccessRecorderParts): AccessRecorder {
  const seen = recently();
  const nextKey = () => newIdentity(parts);
  const rowOf = (type: AccessEventType, reader: Reader, access: Access, result: EventResult, key: RecordedAccess): EventRow =>
    ownEventRow(reader, { type, objectType: access.objectType, objectId: access.subject, result, detail: access.detail }, key, parts);
  const recordView = async (reader: Reader, access: Access, period: number) => {
    // A NUL cannot stand in a header, so no caller's Idempotency-Key can be this one and keep its view from being recorded.
    const keyHash = parts.sha256(new TextEncoder().encode(["audit.events.viewed", reader.tenantId, access.subject, period].join("\0")));
    const claim = { principal: reader.caller.principal, keyHash, bodyHash: keyHash, receivedAt: formatTimestamp(parts.now().getTime()) };
    await parts.events.insertOnce(claim, ({ first }) => Promise.resolve(first ? [rowOf("audit.events.viewed", reader, access, "success", nextKey())] : []));
  };
  return {
    nextKey,
    viewed: (reader, access) => {
      const period = Math.floor(parts.now().getTime() / periodMs);
      const name = [reader.caller.principal, reader.tenantId, access.subject].join(" ");
      if (!seen.add(name, period)) return;
      const work = recordView(reader, access, period).catch((error: unknown) => {
        seen.forget(name);
        parts.log({ level: "error", event: "access.not_recorded", request_id: reader.requestId, principal: reader.caller.principal, ...faultRecord(error) });
      });
      parts.waitUntil?.(work);
    },
    record: async (type, reader, access, result = "success", key = nextKey()) => {
      const row = rowOf(type, reader, access, result, key);
      try {
        await parts.events.insert([row]);
      } catch (cause) {
        throw new AuditError("not_recorded", "record access: the log does not take the record, so nothing is handed out", { retryAfterSeconds: 2, cause });
      }
      return key;
    },
  };
}

/** Names seen in the current period, so that most repeated reads need no question to the database. Bounded: a full set forgets everything. */
function recently() {
  let current = -1;
  const names = new Set<string>();
  return {
    /** True when `name` was not there yet. */
    add: (name: string, period: number): boolean => {
      if (period !== current || names.size >= limits.viewRecordEntriesMax) names.clear();
      current = period;
      if (names.has(name)) return false;
      names.add(name);
      return true;
    },
    forget: (name: string): void => void names.delete(name),
  };
}

import { describe, expect, it } from "vitest";
import { columnRule, eventOfRecord, type SourceRecord } from "./import-record.ts";
import { eventOfRecordVersion } from "./import-supa-audit.ts";

const map = (record: SourceRecord, overrides: Readonly<Record<string, string>> = {}) =>
  eventOfRecord(record, columnRule(Object.keys(record), new Map(Object.entries(overrides))));

describe("eventOfRecord()", () => {
  it("takes our names and aliases as fields, drops what the log sets, and keeps everything else in the context", () => {
    const record = { timestamp: "2025-01-01T00:00:00Z", operator: "a", operation_type: "x", extra_info: { n: 1 }, shard: 3, seq: 9, leaf_hash: "00" };
    expect(map(record)).toEqual({ occurred_at: "2025-01-01T00:00:00Z", actor_id: "a", event_type: "x", context: { n: 1, shard: 3 } });
  });

  it.each([
    ["2025-01-01T00:00:00.123456Z", "2025-01-01T00:00:00.123456Z"],
    ["2025-01-01 02:00:00.123456+02", "2025-01-01T00:00:00.123Z"],
    ["2025-01-01 02:00:00+0200", "2025-01-01T00:00:00.000Z"],
    ["2025-01-01T00:00:00.5", "2025-01-01T00:00:00.500Z"],
    ["2025-01-01 00:00:00", "2025-01-01T00:00:00.000Z"],
    [1735689600, "2025-01-01T00:00:00.000Z"],
    [1735689600.25, "2025-01-01T00:00:00.250Z"],
    [1735689600123, "2025-01-01T00:00:00.123Z"],
    ["1735689600", "2025-01-01T00:00:00.000Z"],
    // No time is made of what is none: the door refuses these.
    ["2025-01-01", "2025-01-01"],
    ["infinity", "infinity"],
    ["yesterday", "yesterday"],
  ])("reads the time %s as %s", (text, time) => {
    expect(map({ occurred_at: text })).toEqual({ occurred_at: time });
  });

  it("takes the usual names of a time only where ours are missing", () => {
    expect(map({ created_at: 0 })).toEqual({ occurred_at: "1970-01-01T00:00:00.000Z" });
    expect(map({ created_at: 0, timestamp: 1 })).toEqual({ occurred_at: "1970-01-01T00:00:01.000Z", context: { created_at: 0 } });
    expect(map({ created_at: 0, made: 1 }, { made: "occurred_at" })).toEqual({ occurred_at: "1970-01-01T00:00:01.000Z", context: { created_at: 0 } });
  });

  it("lets whoever imports say where a column goes", () => {
    expect(map({ who: 7, source: "Web" }, { who: "actor_id", source: "" })).toEqual({ actor_id: "7", context: { source: "Web" } });
  });

  it("loses nothing that a field cannot hold: host names, contexts that are no objects, second names, keys that meet", () => {
    expect(map({ ip_address: "db.internal" })).toEqual({ context: { ip_address: "db.internal" } });
    expect(map({ ip_address: "10.0.0.1/32" })).toEqual({ ip_address: "10.0.0.1" });
    expect(map({ ip_address: "10.0.0.0/8" })).toEqual({ context: { ip_address: "10.0.0.0/8" } });
    expect(map({ context: "[1]" })).toEqual({ context: { value: [1] } });
    expect(map({ context: "no json" })).toEqual({ context: { value: "no json" } });
    expect(map({ operator: "a", actor_id: "b" })).toEqual({ actor_id: "a", context: { actor_id: "b" } });
    expect(map({ context: { note: 1 }, note: 2 })).toEqual({ context: { note: 1, note_2: 2 } });
  });

  it("leaves the prototype alone", () => {
    const event = map(JSON.parse('{"__proto__": 1, "context": {"__proto__": {"a": 1}}}'));
    expect(Object.getPrototypeOf(event["context"])).toBe(Object.prototype);
    expect(Object.keys(event["context"] as object)).toEqual(["__proto__", "__proto___2"]);
  });
});

describe("eventOfRecordVersion()", () => {
  const row = {
    id: 5,
    record_id: "r",
    old_record_id: "r",
    op: "UPDATE",
    ts: "2025-01-01T00:00:00Z",
    table_oid: 16400,
    table_schema: "public",
    table_name: "orders",
  };

  it("is one change of one row, with both of its versions", () => {
    expect(eventOfRecordVersion({ ...row, record: { a: 2 }, old_record: { a: 1 } })).toEqual({
      occurred_at: "2025-01-01T00:00:00Z",
      source: "supa_audit",
      event_type: "public.orders.update",
      object_type: "public.orders",
      object_id: "r",
      context: { record_version_id: 5, table_oid: 16400, record: { a: 2 }, old_record: { a: 1 } },
    });
  });

  it("keeps a table's own name where a type name cannot hold it, and who made the change where that is known", () => {
    expect(eventOfRecordVersion({ ...row, op: "DELETE", record_id: null, table_name: "Order lines", auth_uid: "u", auth_role: "authenticated" })).toMatchObject(
      {
        event_type: "public.Order_lines.delete",
        object_id: "r",
        actor_id: "u",
        actor_type: "user",
        context: { table_name: "Order lines", auth_role: "authenticated" },
      },
    );
  });
});

import { canonicalJson } from "../../core/format/canonical-json.ts";
import type { MemoryEvent, MemoryLog } from "../support/memory-log.ts";
import { bigTenant, eventsOf, type Expectation, letters, pick, rehashed, sealedEvent, type Tamper } from "./tamper.ts";

/** What a forger with a text editor does to events. */
export const eventKinds: readonly Tamper[] = [
  {
    name: "occurred_at by a microsecond",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.occurredAt = event.event["occurred_at"] = event.occurredAt.replace("Z", "001Z");
      return { column: "occurred_at", kind: "event_changed" };
    },
  },
  {
    name: "another id",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.id = event.event["id"] = event.id.replace(/.$/, (digit) => digit === "0" ? "1" : "0");
      return { column: "id", kind: "event_changed" };
    },
  },
  {
    name: "null for a value",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { message } }) => message !== undefined));
      event.event["message"] = null;
      return { id: event.id, kind: "event_changed" };
    },
  },
  {
    name: "null in a context instead of nothing",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { context } }) => context !== undefined));
      event.event["context"] = { ...event.event["context"] as object, [letters(random)]: null };
      return { id: event.id, kind: "event_changed", column: "context" };
    },
  },
  {
    name: "an empty context instead of none",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { context } }) => context === undefined));
      event.event["context"] = {};
      return { id: event.id, kind: "event_changed", column: "context" };
    },
  },
  {
    name: "two contexts swapped",
    apply: (log, random) => {
      const withContext = log.events.filter(({ event: { context } }) => context !== undefined);
      const one = pick(random, withContext);
      const other = pick(
        random,
        withContext.filter((event) => canonicalJson(event.event["context"] as never) !== canonicalJson(one.event["context"] as never)),
      );
      [one.event["context"], other.event["context"]] = [other.event["context"], one.event["context"]];
      return { id: one.seq < other.seq ? one.id : other.id, kind: "event_changed" };
    },
  },
  {
    name: "a text in another normal form",
    apply: (log, random) => {
      const event = pick(random, log.events.filter(({ event: { message } }) => typeof message === "string" && message.normalize("NFC") !== message));
      event.event["message"] = String(event.event["message"]).normalize("NFC");
      return { id: event.id, kind: "event_changed" };
    },
  },
  {
    name: "two events change places",
    apply: (log, random) => {
      const own = eventsOf(log, bigTenant(log));
      const at = Math.floor(random() * (own.length - 1));
      const [one, other] = [own[at], own[at + 1]] as [MemoryEvent, MemoryEvent];
      [one.seq, other.seq] = [other.seq, one.seq];
      return { id: one.id, kind: "event_changed" };
    },
  },
  {
    name: "seq of one event",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.seq += random() < 0.5 ? 1 : 100_001;
      return { id: event.id, kind: "event_changed", column: "seq" };
    },
  },
  { name: "first event deleted", apply: (log) => removed(log, 0, 1) },
  { name: "last event deleted", apply: (log) => removed(log, eventsOf(log, bigTenant(log)).length - 1, 1) },
  {
    name: "a range of events deleted",
    apply: (log, random) => removed(log, Math.floor(random() * (eventsOf(log, bigTenant(log)).length - 20)), 2 + Math.floor(random() * 20)),
  },
  {
    name: "every event of a tenant deleted",
    apply: (log, random) => {
      const { tenantId } = pick(random, log.tenants);
      const first = log.events.find((event) => event.tenantId === tenantId);
      log.events = log.events.filter((event) => event.tenantId !== tenantId);
      return { id: first?.id, kind: "event_missing" };
    },
  },
  {
    name: "a forged event with its right leaf hash slipped in",
    apply: (log, random) => {
      const model = sealedEvent(log, random);
      const id = `0${model.id.slice(1, -4)}${letters(random).padStart(4, "0").slice(-4).replaceAll(/[^0-9a-f]/g, "a")}`;
      log.events.push(rehashed({ ...model, id, seq: model.seq - 1, event: { ...model.event, id, message: "forged" } }));
      return { id, kind: "event_added" };
    },
  },
  {
    name: "an event doubled",
    apply: (log, random) => {
      const model = sealedEvent(log, random);
      const occurredAt = new Date(Date.parse(model.occurredAt) + 1).toISOString();
      log.events.push(rehashed({ ...model, occurredAt, seq: model.seq - 1, event: { ...model.event, occurred_at: occurredAt } }));
      return { id: model.id, kind: "event_added" };
    },
  },
  {
    name: "moved to another tenant",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.tenantId = log.tenants.find(({ tenantId }) => tenantId !== event.tenantId)?.tenantId ?? "";
      event.event["tenant_id"] = event.tenantId;
      return { id: event.id, kind: "event_changed", column: "tenant_id" };
    },
  },
  {
    name: "leaf_hash alone",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.leafHash = Uint8Array.from(event.leafHash).with(3, (event.leafHash[3] as number) ^ 1);
      return { id: event.id, kind: "event_changed", column: "leaf_hash" };
    },
  },
  {
    name: "an event and its leaf_hash",
    apply: (log, random) => {
      const event = sealedEvent(log, random);
      event.event["message"] = `forged ${letters(random)}`;
      event.leafHash = rehashed(event).leafHash;
      return { id: event.id, kind: "event_changed" };
    },
  },
];

function removed(log: MemoryLog, at: number, count: number): Expectation {
  const gone = eventsOf(log, bigTenant(log)).slice(at, at + count);
  log.events = log.events.filter((event) => !gone.includes(event));
  return { id: gone[0]?.id, kind: "event_missing" };
}

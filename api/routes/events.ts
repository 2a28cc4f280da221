import { Hono } from "hono";
import type { z } from "zod";
import type { Claims } from "../../core/caller.ts";
import type { Deletion } from "../../core/deletion-admin.ts";
import { AuditError } from "../../core/errors.ts";
import { toHex } from "../../core/format/hex.ts";
import { formatTimestamp } from "../../core/format/timestamp.ts";
import { uuid7Ms } from "../../core/format/uuid7.ts";
import type { Cursor } from "../../core/format/cursor.ts";
import { limits } from "../../core/limits.ts";
import { filterOf, type Question, questionBinding, questionJson, questionOf } from "../../core/query.ts";
import type { Filter, Order } from "../../core/query-filter.ts";
import { eventParameters, idParameters, listParameters } from "../../core/query-parameters.ts";
import type { Page, StoredEvent } from "../../core/query-store.ts";
import { parseSpan } from "../../core/query-time.ts";
import { readerOf, requireAdminFor, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { eventBody, listBody } from "../response-schemas.ts";
import { path, query } from "../validate.ts";

const description = `A page at a time: next_cursor, and Link with rel="next", lead to the next page of the same question; null is the end. A page that ran out
of time says partial, and may be short or empty: go on by its cursor.`;

const documentedList = operation("List events", listBody, { description, refusals: archiveFault, sends: { 200: ["Link"] } });

/** `GET /events` and `GET /events/{id}`. */
export function eventRoutes(parts: ApiParts) {
  const reader = readerOf(parts);
  const readScope = requireScope(parts.authenticate, "read");
  return new Hono<ApiEnv>()
    .get("/events", documentedList, readScope, query(listParameters), async (context) => {
      const parameters = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, parameters.tenant_id);
      requireAdminFor(caller, parameters.include_deleted);
      const question = questionOf(parameters, tenantId);
      const binding = questionBinding(question, parts.sha256);
      const { page, nextCursor } = await pageOf(parts, caller.claims, parameters, question, binding);
      parts.recorder.viewed(reader(context, tenantId), { objectType: "audit.filter", subject: binding, detail: { question: questionJson(question) } });
      context.set("counts", { events: page.events.length });
      if (nextCursor !== null) context.header("link", nextLink(context.req.url, nextCursor));
      const deletions = question.includeDeleted ? await parts.deletions.of(caller.claims, tenantId, page.events.map(({ event }) => event)) : [];
      return context.json({
        events: page.events.map((stored, place) => ({ ...itemOf(stored), ...deletedOf(deletions[place]) })),
        next_cursor: nextCursor,
        fresh_as_of: page.freshAsOf,
        ...page.partial ? { partial: true as const } : {},
      });
    })
    .get(
      "/events/:id",
      operation("Read one event", eventBody, { refusals: { 404: "There is no such event", ...archiveFault } }),
      readScope,
      path(idParameters),
      query(eventParameters),
      async (context) => {
        const { id } = context.req.valid("param");
        const parameters = context.req.valid("query");
        const caller = context.get("caller");
        const tenantId = tenantOf(caller, parameters.tenant_id);
        requireAdminFor(caller, parameters.include_deleted);
        const occurredAt = timeOf(id, parameters.at);
        const stored = await parts.reader.find(caller.claims, { tenantId, occurredAt, id }, parameters.include_deleted ?? false);
        if (stored === undefined) throw notFound("read event", parameters.at);
        parts.recorder.viewed(reader(context, tenantId), { objectType: "audit.event", subject: id, detail: { occurred_at: occurredAt } });
        const [deletion] = parameters.include_deleted ? await parts.deletions.of(caller.claims, tenantId, [stored.event]) : [];
        return context.json({ event: { ...stored.event, leaf_hash: toHex(stored.leafHash), ...deletedOf(deletion) } });
      },
    );
}

type ListParameters = z.output<typeof listParameters>;

/** The page of `question` that `parameters` ask for, and the text of the cursor behind it: null at the end of the walk. */
async function pageOf(parts: ApiParts, claims: Claims, parameters: ListParameters, question: Question, binding: string) {
  const now = parts.now();
  const cursor = parameters.cursor === undefined ? undefined : parts.cursors.read(parameters.cursor, binding, now);
  const order = orderOf(parameters.order, cursor);
  const asked = filterOf(question, now, parts.settings.eventMaxAheadMinutes);
  const filter: Filter = cursor === undefined ? asked : { ...asked, from: cursor.from, to: cursor.to };
  const page = await parts.reader.page(claims, {
    filter,
    order,
    limit: parameters.limit ?? limits.queryRowsDefault,
    after: cursor?.position,
    offset: parameters.offset ?? cursor?.skip,
    sliceMs: cursor?.sliceMs,
  });
  const next = cursorBehind(page, { binding, from: filter.from, to: filter.to, order });
  return { page, nextCursor: next === undefined ? null : parts.cursors.write(next, now) };
}

/** No such event, or somebody else's; events are looked for at one millisecond, so a time that is nearly right finds none. */
export function notFound(action: string, at: string | undefined): AuditError {
  const where = at === undefined ? "the time in its id; give at, the event's occurred_at" : "that time; at must be its occurred_at, to the millisecond";
  return new AuditError("not_found", `${action}: there is none at ${where}`);
}

/** The time at which an event is looked for: events are kept by day, so an id alone finds one only when it holds its time. */
export function timeOf(id: string, at: string | undefined): string {
  const given = at === undefined ? undefined : parseSpan(at)?.first;
  if (given !== undefined) return given;
  const ms = uuid7Ms(id);
  if (ms !== undefined) return formatTimestamp(ms);
  throw new AuditError("at_required", "read event: only a version-7 id holds its time; give at, the event's occurred_at", { pointer: "at" });
}

/** The order that was asked for; a cursor has its own, and cannot be turned around. */
export function orderOf(asked: Order | undefined, cursor: Pick<Cursor, "order"> | undefined): Order {
  if (cursor !== undefined && asked !== undefined && asked !== cursor.order) {
    throw new AuditError("invalid_cursor", "read cursor: it walks in the other order; start again without it", { pointer: "cursor" });
  }
  return cursor?.order ?? asked ?? "desc";
}

/** An event of a list with the way to itself: relative to the list, since a proxy or the platform may have cut the path that we see. */
function itemOf({ event, leafHash }: StoredEvent) {
  return { ...event, leaf_hash: toHex(leafHash), href: `events/${event.id}?tenant_id=${event.tenant_id}&at=${event.occurred_at}` };
}

/** Beside an event that only admins see: who deleted it, when and why. */
function deletedOf(deletion: Deletion | undefined) {
  return deletion === undefined ? {} : { deleted: deletion };
}

/** The cursor of the page behind one; undefined at the end. What a page that ran out of time learned goes with it. */
function cursorBehind({ next, partial, sliceMs, offset }: Page, walk: Omit<Cursor, "position">): Cursor | undefined {
  if (next === undefined) return undefined;
  const slow = partial ? { ...sliceMs === undefined ? {} : { sliceMs }, ...offset ? { skip: offset } : {} } : {};
  return { ...walk, position: next, ...slow };
}

/** RFC 8288, as a reference relative to the request: the same parameters with the cursor of the next page. */
export function nextLink(url: string, cursor: string): string {
  // A copy: a URL writes itself anew whenever its own parameters change.
  const parameters = new URLSearchParams(new URL(url).search);
  parameters.delete("offset");
  parameters.set("cursor", cursor);
  return `<?${parameters}>; rel="next"`;
}

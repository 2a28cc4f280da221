import { accessEventTypes } from "./access-record.ts";
import type { ArchivedStep } from "./archived-walk.ts";
import type { AccessFigure, EventFigure, ReportFigures } from "./compliance.ts";
import type { AuditEvent } from "./event.ts";
import { limits } from "./limits.ts";
import type { Position } from "./query-filter.ts";

/** The figures of what is hot, with those of archived events added. `hot` has every type and principal; where the budget ends the walk, from when on is said. */
export async function mergeFigures(hot: ReportFigures, walk: AsyncGenerator<ArchivedStep, Position | undefined>): Promise<ReportFigures> {
  const events = new Map<string, Mutable<EventFigure>>(hot.events.map((figure) => [figure.event_type, { ...figure }]));
  const accesses = new Map<string, Mutable<AccessFigure>>(hot.accesses.map((figure) => [accessKey(figure), { ...figure }]));
  let total = hot.total;
  let stoppedAt: Position | undefined;
  for (;;) {
    const step = await walk.next();
    if (step.done) {
      stoppedAt = step.value;
      break;
    }
    for (const { event } of step.value.events) {
      total++;
      const figure = events.get(event.event_type) ?? { event_type: event.event_type, success: 0, failure: 0, warning: 0 };
      figure[event.result]++;
      events.set(event.event_type, figure);
      if (isAccess(event)) addAccess(accesses, event);
    }
  }
  const byType = [...events.values()].sort((a, b) => sumOf(b) - sumOf(a) || order(a.event_type, b.event_type));
  const byPrincipal = [...accesses.values()].sort((a, b) => b.count - a.count || order(accessKey(a), accessKey(b)));
  return {
    ...hot,
    total,
    events: byType.slice(0, limits.reportRowsMax),
    moreTypes: hot.moreTypes || byType.length > limits.reportRowsMax,
    accesses: byPrincipal.slice(0, limits.reportRowsMax),
    moreAccesses: hot.moreAccesses || byPrincipal.length > limits.reportRowsMax,
    archivedFrom: stoppedAt?.occurredAt,
  };
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

function isAccess({ event_type, source }: AuditEvent): boolean {
  return source === "audit-events" && (accessEventTypes as readonly string[]).includes(event_type);
}

function addAccess(accesses: Map<string, Mutable<AccessFigure>>, event: AuditEvent): void {
  const key = accessKey(event);
  const figure = accesses.get(key) ?? { principal: event.principal, event_type: event.event_type, count: 0, rows: 0, last_at: event.occurred_at };
  const rows = event.context?.["rows"];
  figure.count++;
  figure.rows += typeof rows === "number" ? rows : 0;
  if (event.occurred_at > figure.last_at) figure.last_at = event.occurred_at;
  accesses.set(key, figure);
}

function accessKey({ principal, event_type }: { readonly principal: string; readonly event_type: string }): string {
  return `${principal}\0${event_type}`;
}

function sumOf({ success, failure, warning }: EventFigure): number {
  return success + failure + warning;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

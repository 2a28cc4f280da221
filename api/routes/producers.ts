import { Hono } from "hono";
import type { ProducerFigure } from "../../core/producers.ts";
import { filterOf, questionBinding, questionJson, questionOf } from "../../core/query.ts";
import { windowParameters } from "../../core/query-parameters.ts";
import { readerOf, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { producersBody } from "../response-schemas.ts";
import { query } from "../validate.ts";

const description = `Clients number the events of each tenant from 1 on, those too that they have to give up. A number that is missing between two events of a
producer is an event that was lost before the log, or refused by it. What a producer logged before its first event of the window, and after its last, is not
judged. Archived days are read too, newest first, as far as there is time: \`counted_from\` says from when on events were compared.`;

/** `GET /producers`. */
export function producerRoutes(parts: ApiParts) {
  const reader = readerOf(parts);
  return new Hono<ApiEnv>().get(
    "/producers",
    operation("Find what producers lost before the log", producersBody, { description, refusals: archiveFault }),
    requireScope(parts.authenticate, "read"),
    query(windowParameters),
    async (context) => {
      const parameters = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, parameters.tenant_id);
      const question = questionOf(parameters, tenantId);
      const filter = filterOf(question, parts.now(), parts.settings.eventMaxAheadMinutes);
      const { countedEvents, countedFrom, isCapped, producers, freshAsOf } = await parts.reader.producers(caller.claims, filter);
      const subject = questionBinding(question, parts.sha256);
      parts.recorder.viewed(reader(context, tenantId), { objectType: "audit.filter", subject, detail: { question: questionJson(question) } });
      return context.json({
        from: filter.from,
        to: filter.to,
        counted_events: countedEvents,
        counted_from: countedFrom,
        capped: isCapped,
        producers: producers.map(producerOf),
        fresh_as_of: freshAsOf,
      });
    },
  );
}

function producerOf({ producerId, events, firstSeq, lastSeq, firstAt, lastAt, missing, gaps }: ProducerFigure) {
  return {
    producer_id: producerId,
    events,
    first_seq: firstSeq,
    last_seq: lastSeq,
    first_at: firstAt,
    last_at: lastAt,
    missing,
    gaps: gaps.map((gap) => ({ first_seq: gap.firstSeq, last_seq: gap.lastSeq, after: gap.after, before: gap.before })),
  };
}

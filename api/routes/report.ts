import { Hono } from "hono";
import { reportOf, verifyNewest } from "../../core/compliance.ts";
import { filterOf, questionBinding, questionJson, questionOf } from "../../core/query.ts";
import { windowParameters } from "../../core/query-parameters.ts";
import { readerOf, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { reportBody } from "../response-schemas.ts";
import { query } from "../validate.ts";

const description =
  `Events by type and result, who read or exported what, how much is sealed, whether the newest checkpoint verifies, and what is kept how long. Each
figure stands with the query that gives it, relative to this address. The report is itself recorded.`;

/** `GET /reports/compliance`. */
export function reportRoutes(parts: ApiParts) {
  const reader = readerOf(parts);
  const auditors = requireScope(parts.authenticate, "export");
  return new Hono<ApiEnv>().get(
    "/reports/compliance",
    operation("Report on a period", reportBody, { description, refusals: archiveFault }),
    auditors,
    query(windowParameters),
    async (context) => {
      const parameters = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, parameters.tenant_id);
      const question = questionOf(parameters, tenantId);
      const filter = filterOf(question, parts.now(), parts.settings.eventMaxAheadMinutes);
      const figures = await parts.reader.figures(caller.claims, filter);
      const verification = await parts.prove(caller.claims, (store) => verifyNewest(store, parts.sha256, tenantId));
      const treeSize = await parts.reader.treeSize(caller.claims, tenantId);
      const access = {
        objectType: "audit.report",
        subject: questionBinding(question, parts.sha256),
        detail: { question: questionJson(question), from: filter.from, to: filter.to },
      } as const;
      const record = await parts.recorder.record("audit.report.created", reader(context, tenantId), access);
      const report = reportOf(filter, figures, verification, treeSize, parts.settings);
      return context.json({ ...report, created_by: caller.principal, record: { id: record.id, occurred_at: record.occurredAt } });
    },
  );
}

import { tenantIds } from "../archive/archived-log.ts";
import { describeSameAnswers } from "./same-answers.ts";

describeSameAnswers({ days: ["2026-03-01", "2026-03-02", "2026-03-04"], eventsPerDay: 500, tenants: tenantIds });

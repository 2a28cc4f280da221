import { tenantA } from "../api/service.ts";
import { describeSameAnswers } from "./same-answers.ts";

const others = Array.from({ length: 19 }, (_, n) => `00000000-0000-4000-8000-0000000001${String(n).padStart(2, "0")}`);

// 200,000 events over 5 days and 20 tenants.
describeSameAnswers({
  days: ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"],
  eventsPerDay: 40_000,
  tenants: [tenantA, ...others],
});

import { useMemo } from "react";
import { useQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { QueryState } from "../query-state.tsx";
import { RangePicker } from "../range-picker.tsx";
import { saveFile } from "../save-file.ts";
import { ViewHead } from "../view-head.tsx";
import { useView, windowOf } from "../view-state.ts";
import type { Report } from "./report.ts";
import { ReportBody } from "./report-body.tsx";

/** The compliance report of a range: to read, to print, and to hand on as it was answered. */
export function ReportPage({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [view] = useView();
  const { range, from, to } = view;
  const window = useMemo(() => windowOf({ range, from, to }), [range, from, to]);
  const report = useQuery({
    queryKey: ["report", tenant, window],
    queryFn: ({ signal }) => api.get<Report>("reports/compliance", { tenant_id: tenant, ...window }, signal),
    // Each report is recorded in the log: it is made when somebody asks, not whenever a component comes back.
    staleTime: Infinity,
  });
  const { data } = report;
  const saveJson = () =>
    saveFile(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }), `compliance-${data?.from.slice(0, 10)}-${data?.to.slice(0, 10)}.json`);
  return (
    <div className="view report">
      <ViewHead title="Compliance report" purpose="What happened, who looked, what is sealed and what is kept, for a range. Making it is itself recorded.">
        <form className="view-range" aria-label="Range" onSubmit={(event) => event.preventDefault()}>
          <RangePicker />
        </form>
        <Button isDisabled={data === undefined} onPress={() => print()}>Print</Button>
        <Button isDisabled={data === undefined} onPress={saveJson}>Save as JSON</Button>
      </ViewHead>
      <QueryState query={report} waiting="Making the report…" />
      {data !== undefined && <ReportBody report={data} zone={view.zone} />}
    </div>
  );
}

import { useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { QueryState } from "../query-state.tsx";
import { formatSecond, zoneName } from "../time-format.ts";
import { Figures, ViewHead } from "../view-head.tsx";
import { useView } from "../view-state.ts";
import { DueWork } from "./due.tsx";
import { Holds } from "./holds.tsx";

type Retention = {
  readonly retention_years: number;
  readonly is_default: boolean;
  readonly default_years: number;
  readonly floor_years: number;
  readonly hot_days: number;
  readonly changed_by: string | null;
  readonly changed_at: string | null;
};

type Props = { readonly api: Api; readonly tenant: string | undefined; readonly isAdmin: boolean };

/** How long events are kept, and what may not end meanwhile. Auditors read it, admins decide it. */
export function RetentionPage({ api, tenant, isAdmin }: Props) {
  const [view] = useView();
  const queries = useQueryClient();
  const [isChanging, setIsChanging] = useState(false);
  const policy = useQuery({ queryKey: ["retention", tenant], queryFn: ({ signal }) => api.get<Retention>("retention", { tenant_id: tenant }, signal) });
  const { data } = policy;
  const changed = data?.changed_at === null || data === undefined
    ? "the default of this service"
    : `since ${formatSecond(data.changed_at ?? "", view.zone)} ${zoneName(view.zone, data.changed_at ?? "")}, by ${data.changed_by}`;
  const setYears = async (form: FormData) => {
    const wanted = Number(form.get("years"));
    const body = { tenant_id: tenant, retention_years: wanted === data?.default_years ? null : wanted };
    queries.setQueryData(["retention", tenant], await api.send<Retention>("PUT", "retention", {}, body));
  };
  return (
    <div className="view">
      <ViewHead
        title="Retention and holds"
        purpose="Events stay in the database for a while, then in the archive until their time is over. What is under a legal hold outlasts that time."
      >
        {isAdmin && data !== undefined && <Button onPress={() => setIsChanging(true)}>Change the retention…</Button>}
      </ViewHead>
      <QueryState query={policy} />
      {data !== undefined && (
        <Figures
          label="Retention"
          figures={[
            { name: "Kept in all", value: years(data.retention_years), note: changed },
            { name: "In the database", value: `${data.hot_days} days`, note: "then in the archive" },
            { name: "Not less than", value: years(data.floor_years), note: "for any tenant of this service" },
          ]}
        />
      )}
      {isAdmin && <DueWork api={api} tenant={tenant} />}
      <Holds api={api} tenant={tenant} isAdmin={isAdmin} />
      {isChanging && data !== undefined && (
        <ConfirmDialog
          title="Change the retention"
          action="Change it"
          onConfirm={setYears}
          onClose={() => setIsChanging(false)}
        >
          <label>
            Years to keep events
            <input name="years" type="number" required min={data.floor_years} max={100} defaultValue={data.retention_years} />
          </label>
          <p className="small">Archives that exist already expire by the new time too. What is under a hold stays. The change is recorded in the log.</p>
        </ConfirmDialog>
      )}
    </div>
  );
}

function years(count: number): string {
  return `${count} year${count === 1 ? "" : "s"}`;
}

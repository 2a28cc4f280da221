import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ListTable } from "../list-table.tsx";
import { PlainText } from "../plain-text.tsx";
import { LoadOlder, QueryState, useTenantList } from "../query-state.tsx";
import { formatSecond, type Zone, zoneName } from "../time-format.ts";
import { useView } from "../view-state.ts";
import { HoldFields, holdOfForm } from "./hold-fields.tsx";

export type Hold = {
  readonly id: string;
  readonly status: "active" | "released";
  readonly reason: string;
  readonly object_type: string | null;
  readonly object_id: string | null;
  readonly actor_id: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly placed_by: string;
  readonly placed_at: string;
  readonly released_by: string | null;
  readonly released_at: string | null;
  readonly release_reason: string | null;
  readonly archived_days: number;
};

type Props = { readonly api: Api; readonly tenant: string | undefined; readonly isAdmin: boolean };

/** Legal holds, those that are over too. */
export function Holds({ api, tenant, isAdmin }: Props) {
  const [view] = useView();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<"place" | Hold>();
  const { list, rows: holds } = useTenantList<Hold>(api, "holds", tenant);
  const then = async (request: Promise<unknown>) => {
    await request;
    await queries.invalidateQueries({ queryKey: ["holds", tenant] });
  };
  return (
    <section aria-label="Legal holds">
      <div className="view-head">
        <h2>Legal holds</h2>
        {isAdmin && (
          <div className="actions">
            <Button onPress={() => setAsking("place")}>Place a hold…</Button>
          </div>
        )}
      </div>
      <QueryState query={list} />
      {list.isSuccess && holds.length === 0 && (
        <div className="empty">
          <h2>Nothing is held</h2>
          <p>Events expire when their time is over, and admins may delete single ones softly.</p>
        </div>
      )}
      {holds.length > 0 && <HoldTable holds={holds} zone={view.zone} onRelease={isAdmin ? setAsking : undefined} />}
      <LoadOlder list={list}>Load older holds</LoadOlder>
      {asking === "place" && (
        <ConfirmDialog
          title="Place a legal hold"
          action="Place the hold"
          onConfirm={(form) => then(api.send("POST", "holds", {}, { tenant_id: tenant, ...holdOfForm(form, view.zone) }))}
          onClose={() => setAsking(undefined)}
        >
          <HoldFields zone={view.zone} />
        </ConfirmDialog>
      )}
      {typeof asking === "object" && (
        <ConfirmDialog
          title="Release the hold?"
          action="Release it"
          isDanger
          onConfirm={(form) => then(api.send("POST", `holds/${asking.id}/release`, {}, { tenant_id: tenant, reason: String(form.get("reason")) }))}
          onClose={() => setAsking(undefined)}
        >
          <p>
            “<PlainText>{asking.reason}</PlainText>”: what it covers may expire again. A hold that was released cannot be taken up; place another then.
          </p>
          <label>
            Reason<textarea name="reason" required maxLength={1000} rows={2} />
          </label>
        </ConfirmDialog>
      )}
    </section>
  );
}

type TableProps = { readonly holds: readonly Hold[]; readonly zone: Zone; readonly onRelease: ((hold: Hold) => void) | undefined };

function HoldTable({ holds, zone, onRelease }: TableProps) {
  return (
    <ListTable
      caption="Legal holds, newest first"
      rows={holds}
      keyOf={({ id }) => id}
      columns={[
        { head: "Reason", cell: ({ reason }) => <PlainText>{reason}</PlainText>, isRowHead: true },
        { head: "Covers", cell: (hold) => <PlainText>{reachOf(hold, zone)}</PlainText> },
        { head: "Archived days", cell: ({ archived_days }) => archived_days.toLocaleString("en"), isNumber: true },
        {
          head: `Placed (${zoneName(zone)})`,
          cell: ({ placed_at, placed_by }) => (
            <>
              {formatSecond(placed_at, zone)}
              <br />
              <span className="small">
                <PlainText>{placed_by}</PlainText>
              </span>
            </>
          ),
        },
        { head: "Status", cell: (hold) => <Status hold={hold} zone={zone} /> },
        ...onRelease === undefined ? [] : [{
          head: "Actions",
          cell: (hold: Hold) =>
            hold.status === "active" ? <Button aria-label={`Release the hold ${hold.reason}`} onPress={() => onRelease(hold)}>Release…</Button> : "–",
        }],
      ]}
    />
  );
}

function Status({ hold: { status, released_at, release_reason }, zone }: { readonly hold: Hold; readonly zone: Zone }) {
  if (status === "active" || released_at === null) return <span className="status active">active</span>;
  return <span className="status expired" title={release_reason ?? undefined}>released {formatSecond(released_at, zone)}</span>;
}

function reachOf({ object_type, object_id, actor_id, from, to }: Hold, zone: Zone): string {
  const parts = [
    object_type === null && object_id === null ? undefined : `object ${[object_type, object_id].filter((part) => part !== null).join(" ")}`,
    actor_id === null ? undefined : `actor ${actor_id}`,
    from === null ? undefined : `from ${formatSecond(from, zone)}`,
    to === null ? undefined : `to ${formatSecond(to, zone)}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "everything of the tenant" : parts.join(", ");
}

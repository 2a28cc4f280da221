import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ListTable } from "../list-table.tsx";
import { PlainText } from "../plain-text.tsx";
import { LoadOlder, QueryState, useTenantList } from "../query-state.tsx";
import { formatSecond, type Zone, zoneName } from "../time-format.ts";
import { ViewHead } from "../view-head.tsx";
import { useView } from "../view-state.ts";
import { NewKey } from "./new-key.tsx";

export type ApiKey = {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly status: "active" | "expired" | "revoked";
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
};

/** The tenant's API keys: what each may do, whether it is in use, and its end. */
export function KeysPage({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [view] = useView();
  const queries = useQueryClient();
  const [revoking, setRevoking] = useState<ApiKey>();
  const { list, rows: keys } = useTenantList<ApiKey>(api, "keys", tenant);
  const reload = () => queries.invalidateQueries({ queryKey: ["keys", tenant] });
  return (
    <div className="view">
      <ViewHead
        title="API keys"
        purpose="Programs post and read with a key of this tenant. A key is shown once, when it is made; the service keeps only its hash."
      />
      <NewKey api={api} tenant={tenant} onMade={() => void reload()} />
      <QueryState query={list} />
      {list.isSuccess && keys.length === 0 && (
        <div className="empty">
          <h2>No API keys yet</h2>
          <p>Make one for each program, with no more scopes than it needs.</p>
        </div>
      )}
      {keys.length > 0 && <KeyTable keys={keys} zone={view.zone} onRevoke={setRevoking} />}
      <LoadOlder list={list}>Load older keys</LoadOlder>
      {revoking !== undefined && (
        <ConfirmDialog
          title={`Revoke ${revoking.name}?`}
          action="Revoke the key"
          isDanger
          onConfirm={async () => {
            await api.send("DELETE", `keys/${revoking.id}`, { tenant_id: tenant });
            await reload();
          }}
          onClose={() => setRevoking(undefined)}
        >
          <p>
            Programs that use <code>{revoking.prefix}…</code> are refused within a minute. A revoked key cannot be brought back.
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

type TableProps = { readonly keys: readonly ApiKey[]; readonly zone: Zone; readonly onRevoke: (key: ApiKey) => void };

function KeyTable({ keys, zone, onRevoke }: TableProps) {
  const time = (text: string | null, none: string) => text === null ? none : formatSecond(text, zone);
  return (
    <ListTable
      caption="API keys, newest first"
      rows={keys}
      keyOf={({ id }) => id}
      columns={[
        { head: "Name", cell: ({ name }) => <PlainText>{name}</PlainText>, isRowHead: true },
        { head: "Begins with", cell: ({ prefix }) => <code>{prefix}…</code> },
        { head: "Scopes", cell: ({ scopes }) => scopes.join(", ") },
        { head: "Status", cell: ({ status }) => <span className={`status ${status}`}>{status}</span> },
        { head: `Last used (${zoneName(zone)})`, cell: ({ last_used_at }) => time(last_used_at, "never") },
        { head: `Made (${zoneName(zone)})`, cell: ({ created_at }) => time(created_at, "") },
        { head: `Ends (${zoneName(zone)})`, cell: ({ expires_at, revoked_at }) => time(revoked_at ?? expires_at, "never") },
        {
          head: "Actions",
          cell: (key) =>
            key.status === "active" ? <Button className="danger" aria-label={`Revoke ${key.name}`} onPress={() => onRevoke(key)}>Revoke</Button> : "–",
        },
      ]}
    />
  );
}

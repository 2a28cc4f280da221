import { useQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import { tenantOf } from "../../../verify/checkpoint.ts";
import type { Api, EventList } from "../api.ts";
import { ListTable } from "../list-table.tsx";
import { QueryState } from "../query-state.tsx";
import { saveFile } from "../save-file.ts";
import { formatSecond, formatSpan, type Zone, zoneName } from "../time-format.ts";
import { Figures, ViewHead } from "../view-head.tsx";
import { useView } from "../view-state.ts";
import { CheckpointCheck } from "./checkpoint-check.tsx";
import { EventCheck } from "./event-check.tsx";

type Checkpoint = { readonly size: number; readonly signed_at: string; readonly verifier_key: string; readonly note: string };

/** The tenant's tree as last signed, how far sealing is behind, and the means to check it here and elsewhere. */
export function IntegrityPage({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [view] = useView();
  const latest = useQuery({
    queryKey: ["checkpoints", tenant],
    queryFn: ({ signal }) => api.get<{ checkpoints: readonly Checkpoint[] }>("checkpoints", { tenant_id: tenant, limit: "10" }, signal),
    refetchInterval: 10_000,
  });
  const checkpoints = latest.data?.checkpoints ?? [];
  const newest = checkpoints[0];
  const tenantId = newest === undefined ? undefined : tenantOf(newest.note.split("\n")[0] ?? "");
  return (
    <div className="view">
      <ViewHead
        title="Integrity"
        purpose="Every event is a leaf of a Merkle tree whose root is signed. Whoever keeps a checkpoint can prove later that nothing before it was changed or removed."
      />
      <QueryState query={latest} />
      {latest.isSuccess && newest === undefined && (
        <div className="empty">
          <h2>Nothing is sealed yet</h2>
          <p>The sealer runs every few seconds. The first checkpoint is here soon after the first event.</p>
        </div>
      )}
      {newest !== undefined && (
        <>
          <SealFigures api={api} tenant={tenant} newest={newest} zone={view.zone} />
          {tenantId !== undefined && <CheckpointCheck key={tenantId} api={api} tenantId={tenantId} />}
          {tenantId !== undefined && <EventCheck key={`all ${tenantId}`} api={api} tenantId={tenantId} note={newest.note} size={newest.size} />}
          <section aria-label="Signed checkpoint">
            <h2>Newest checkpoint</h2>
            <pre tabIndex={0}><code>{newest.note}</code></pre>
            <div className="actions">
              <Button onPress={() => saveFile(new Blob([newest.note], { type: "text/plain" }), `checkpoint-${newest.size}.txt`)}>
                Download the checkpoint
              </Button>
            </div>
            <p className="small">
              Keep it where this database's administrators cannot write.{" "}
              <code>npm run audit -- verify --database … --checkpoint checkpoint-{newest.size}.txt</code>{" "}
              compares the whole log with it, on a computer that reaches the database.
            </p>
          </section>
          <section>
            <h2>Recent checkpoints</h2>
            <ListTable
              caption="Recent checkpoints"
              rows={checkpoints}
              keyOf={({ size }) => String(size)}
              columns={[
                { head: `Signed (${zoneName(view.zone)})`, cell: ({ signed_at }) => formatSecond(signed_at, view.zone), isRowHead: true },
                { head: "Events", cell: ({ size }) => size.toLocaleString("en"), isNumber: true },
                { head: "Key", cell: ({ verifier_key }) => <code>{verifier_key.split("+").slice(0, 2).join("+")}</code> },
              ]}
            />
          </section>
        </>
      )}
    </div>
  );
}

type SealFiguresProps = { readonly api: Api; readonly tenant: string | undefined; readonly newest: Checkpoint; readonly zone: Zone };

/** How far sealing is behind: the newest event, held against the newest signature. */
function SealFigures({ api, tenant, newest, zone }: SealFiguresProps) {
  const lag = useQuery({
    queryKey: ["lag", tenant, newest.size],
    queryFn: async ({ signal }) => {
      const [event] = (await api.get<EventList>("events", { tenant_id: tenant, limit: "1" }, signal)).events;
      // Whole seconds: a signature tells no more.
      return event === undefined ? undefined : Math.max(0, Math.floor(Date.parse(event.received_at) / 1000) * 1000 - Date.parse(newest.signed_at));
    },
    refetchInterval: 10_000,
  });
  const behind = lag.data === undefined ? "unknown" : lag.data === 0 ? "none" : formatSpan(lag.data);
  return (
    <Figures
      label="Sealing"
      figures={[
        { name: "Sealed events", value: newest.size.toLocaleString("en") },
        {
          name: "Last signed",
          value: `${formatSpan(Math.max(0, Date.now() - Date.parse(newest.signed_at)))} ago`,
          note: `${formatSecond(newest.signed_at, zone)} ${zoneName(zone, newest.signed_at)}`,
        },
        { name: "Seal lag", value: behind, note: "newest event against newest signature" },
      ]}
    />
  );
}

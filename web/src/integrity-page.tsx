import { useQuery } from "@tanstack/react-query";
import type { Api } from "./api.ts";
import { ProblemNotice } from "./problem-notice.tsx";
import { formatTime, zoneName } from "./time-format.ts";
import { useView } from "./view-state.ts";

type Checkpoint = { readonly size: number; readonly root?: string; readonly signed_at?: string; readonly note: string };

/** The tenant's tree as last signed, and how to check it without us. */
export function IntegrityPage({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [view] = useView();
  const latest = useQuery({
    queryKey: ["checkpoints", tenant],
    queryFn: ({ signal }) => api.get<{ checkpoints: readonly Checkpoint[] }>("checkpoints", { tenant_id: tenant }, signal),
    refetchInterval: 10_000,
  });
  const checkpoint = latest.data?.checkpoints[0];
  return (
    <section className="integrity">
      <h1>Integrity</h1>
      {latest.isError && <ProblemNotice error={latest.error} onRetry={() => void latest.refetch()} />}
      {latest.data !== undefined && checkpoint === undefined && <p>Nothing is sealed yet. The sealer runs every few seconds after the first event.</p>}
      {checkpoint !== undefined && (
        <>
          <dl>
            <div>
              <dt>Sealed events</dt>
              <dd>{checkpoint.size.toLocaleString()}</dd>
            </div>
            {checkpoint.signed_at !== undefined && (
              <div>
                <dt>Last signed</dt>
                <dd>{formatTime(checkpoint.signed_at, view.zone)} {zoneName(view.zone)}</dd>
              </div>
            )}
          </dl>
          <h2>Signed checkpoint</h2>
          <pre tabIndex={0}><code>{checkpoint.note}</code></pre>
          <a className="button" download="checkpoint.txt" href={`data:text/plain;charset=utf-8,${encodeURIComponent(checkpoint.note)}`}>
            Download the checkpoint
          </a>
          <p>
            Keep a checkpoint somewhere that this database's administrators cannot write. With it,{" "}
            <code>npm run audit -- verify --checkpoint checkpoint.txt</code> shows whether anything was changed, removed or slipped in since.
          </p>
        </>
      )}
    </section>
  );
}

import { useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components";
import type { LogReport } from "../../../verify/report.ts";
import { type Api, ApiProblem } from "../api.ts";
import { ProblemNotice } from "../problem-notice.tsx";
import { Findings } from "./findings.tsx";
import { keyRingOf } from "./key-ring.ts";
import { verifyEvents } from "./verify-events.ts";
import type { Finding } from "./verify-log.ts";

type State =
  | { readonly kind: "unasked" | "cancelled" }
  | { readonly kind: "running"; readonly events: number }
  | { readonly kind: "checked"; readonly report: LogReport }
  | { readonly kind: "failed"; readonly error: unknown };

type Props = { readonly api: Api; readonly tenantId: string; readonly note: string; readonly size: number };

/** Every event of the log, hashed here one by one: what signatures alone do not show. */
export function EventCheck({ api, tenantId, note, size }: Props) {
  const [state, setState] = useState<State>({ kind: "unasked" });
  const abort = useRef<AbortController>(undefined);
  // Nobody waits for it any more: it would go on to download the whole log.
  useEffect(() => () => abort.current?.abort(), []);
  const run = async () => {
    abort.current = new AbortController();
    setState({ kind: "running", events: 0 });
    try {
      const ring = await keyRingOf(api, tenantId);
      const report = await verifyEvents(api, tenantId, note, ring, (events) => setState({ kind: "running", events }), abort.current.signal);
      setState({ kind: "checked", report });
    } catch (error) {
      if (abort.current.signal.aborted) return setState({ kind: "cancelled" });
      setState({
        kind: "failed",
        error: error instanceof ApiProblem ? error : new ApiProblem("broken_off", "The events could not all be read, so nothing can be said of them.", 0),
      });
    }
  };
  return (
    <section aria-label="Check every event">
      <h2>Check every event</h2>
      <p className="small">Downloads all events, hashes each here, and compares them with the signed root. The download is recorded as an export.</p>
      <div className="actions">
        {state.kind === "running" && (
          <>
            <progress aria-label="Events checked" max={size} value={state.events} />
            <span>{state.events.toLocaleString("en")} of {size.toLocaleString("en")}</span>
          </>
        )}
        {/* One button for both: it keeps the keyboard. */}
        <Button onPress={() => state.kind === "running" ? abort.current?.abort() : void run()}>
          {state.kind === "running" ? "Cancel" : `Verify all ${size.toLocaleString("en")} events`}
        </Button>
      </div>
      <div role="status">
        {state.kind === "cancelled" && <p>Cancelled, so nothing can be said of the events.</p>}
        {state.kind === "checked" && <Findings findings={findingsOf(state.report, size)} />}
      </div>
      {state.kind === "failed" && <ProblemNotice error={state.error} onRetry={() => void run()} />}
    </section>
  );
}

function findingsOf(report: LogReport, size: number): readonly Finding[] {
  const events = report.events.toLocaleString("en");
  if (report.finding_count > 0) {
    const detail = report.findings.slice(0, 5).map(({ id, message }) => `${id === undefined ? "" : `${id}: `}${message}`).join("; ");
    return [{ outcome: "bad", title: `${report.finding_count} of ${events} events do not verify`, detail }];
  }
  if (report.sound) {
    return [{
      outcome: "good",
      title: `All ${events} events are as they were sealed`,
      detail: `Together they have the root that the checkpoint of ${size.toLocaleString("en")} events states.`,
    }];
  }
  const missing = (size - report.events).toLocaleString("en");
  const detail =
    `${missing} sealed events are not among those that you may read: deleted ones that only admins see, or days that have expired. Verify single events, or ask an admin.`;
  return [{ outcome: "unknown", title: `${events} events hash as they say, but cannot be proven together`, detail }];
}

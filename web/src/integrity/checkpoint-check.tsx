import { useRef, useState } from "react";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { ProblemNotice } from "../problem-notice.tsx";
import { keepCheckpoint, keptCheckpoint } from "./checkpoint-store.ts";
import { Findings } from "./findings.tsx";
import { type LogCheck, verifyLog } from "./verify-log.ts";

type State = { readonly kind: "unasked" | "checking" } | { readonly kind: "checked"; readonly check: LogCheck } | {
  readonly kind: "failed";
  readonly error: unknown;
};

/** Checks the newest checkpoint against the one that this browser, or the auditor, kept from before. */
export function CheckpointCheck({ api, tenantId }: { readonly api: Api; readonly tenantId: string }) {
  const [state, setState] = useState<State>({ kind: "unasked" });
  const file = useRef<HTMLInputElement>(null);
  const run = async (given?: string) => {
    setState({ kind: "checking" });
    try {
      const check = await verifyLog(api, tenantId, given ?? keptCheckpoint(tenantId));
      // Only what is proven may become what the next visit is held against; a checkpoint that shows a fault must stay the older one.
      if (check.checkpoint !== undefined && check.findings.every(({ outcome }) => outcome === "good")) keepCheckpoint(tenantId, check.note);
      setState({ kind: "checked", check });
    } catch (error) {
      setState({ kind: "failed", error });
    }
  };
  return (
    <section aria-label="Check the log">
      <h2>Check the log in this browser</h2>
      <p className="small">
        Verifies the newest signature, and that the log has only grown since the checkpoint that this browser saw last, or one that you kept.
      </p>
      <div className="actions">
        <Button onPress={() => void run()} isPending={state.kind === "checking"}>Verify the log</Button>
        <Button onPress={() => file.current?.click()} isPending={state.kind === "checking"}>Compare with a kept checkpoint…</Button>
        <input
          ref={file}
          type="file"
          hidden
          aria-label="Kept checkpoint"
          accept=".txt,text/plain"
          onChange={async ({ target }) => {
            const [chosen] = target.files ?? [];
            if (chosen !== undefined) await run(await chosen.text());
            target.value = "";
          }}
        />
      </div>
      <div role="status">
        {state.kind === "checking" && <p>Checking…</p>}
        {state.kind === "checked" && <Findings findings={state.check.findings} />}
      </div>
      {state.kind === "failed" && <ProblemNotice error={state.error} />}
    </section>
  );
}

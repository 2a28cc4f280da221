import { useState } from "react";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { ProblemNotice } from "../problem-notice.tsx";

type Days = { readonly days: readonly { readonly date: string }[]; readonly rows: number; readonly bytes: number };
type Due = { readonly archive: Days; readonly delete: Days };

/** What the archiver would do now, without doing it: for admins who want to know before it happens. */
export function DueWork({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [due, setDue] = useState<Due>();
  const [error, setError] = useState<unknown>();
  const ask = () => {
    setError(undefined);
    void api.send<Due>("POST", "retention/run", {}, { tenant_id: tenant, dry_run: true }).then(setDue, setError);
  };
  return (
    <section aria-label="What is due">
      <div className="view-head">
        <h2>What is due</h2>
        <div className="actions">
          <Button onPress={ask}>See what would move now</Button>
        </div>
      </div>
      {error !== undefined && <ProblemNotice error={error} onRetry={ask} />}
      <div role="status">
        {due !== undefined && (
          <ul className="checks">
            <li className="outcome">{textOf("would be archived", due.archive)}</li>
            <li className="outcome">{textOf("would be deleted as expired", due.delete)}</li>
          </ul>
        )}
      </div>
    </section>
  );
}

function textOf(what: string, { days, rows }: Days): string {
  if (days.length === 0) return `No day ${what}.`;
  const [first, last] = [days.map(({ date }) => date).sort()[0], days.map(({ date }) => date).sort().at(-1)];
  return `${days.length.toLocaleString("en")} day${days.length === 1 ? "" : "s"} ${what}: ${first} to ${last}, ${rows.toLocaleString("en")} events.`;
}

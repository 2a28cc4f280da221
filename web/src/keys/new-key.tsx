import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components";
import type { Api } from "../api.ts";
import { CopyButton } from "../copy-button.tsx";
import { outcomeOf, ProblemNotice } from "../problem-notice.tsx";

const scopes = [
  ["ingest", "post events"],
  ["read", "list and search"],
  ["export", "also export, verify, report"],
  ["admin", "also keys, holds, retention"],
] as const;

const lifetimes = [["", "never ends"], ["30", "30 days"], ["90", "90 days"], ["365", "one year"]] as const;

type Made = { readonly secret: string; readonly name: string };
type Props = { readonly api: Api; readonly tenant: string | undefined; readonly onMade: () => void };

/** Makes a key, and shows it: this once. */
export function NewKey({ api, tenant, onMade }: Props) {
  const [made, setMade] = useState<Made>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    const form = new FormData(element);
    const days = Number(form.get("days"));
    const name = String(form.get("name")).trim();
    setIsBusy(true);
    setError(undefined);
    try {
      const body = {
        tenant_id: tenant,
        name,
        scopes: form.getAll("scope"),
        expires_at: days === 0 ? undefined : new Date(Date.now() + days * 86_400_000).toISOString(),
      };
      const { secret } = await api.send<{ secret: string }>("POST", "keys", {}, body);
      setMade({ secret, name });
      element.reset();
      onMade();
    } catch (fault) {
      setError(fault);
    }
    setIsBusy(false);
  };
  return (
    <>
      <details className="panel">
        <summary>Make a key</summary>
        <form className="form" aria-label="Make a key" onSubmit={(event) => void submit(event)}>
          <label>
            Name<input name="name" required maxLength={100} placeholder="order service, production" autoComplete="off" />
          </label>
          <fieldset>
            <legend>It may</legend>
            {scopes.map(([scope, what]) => (
              <label key={scope} className="check">
                <input type="checkbox" name="scope" value={scope} defaultChecked={scope === "ingest"} /> {scope} <span className="small">{what}</span>
              </label>
            ))}
          </fieldset>
          <label>
            Ends<select name="days">{lifetimes.map(([days, text]) => <option key={days} value={days}>{text}</option>)}</select>
          </label>
          {error !== undefined && <ProblemNotice error={error} stands={outcomeOf(error)} />}
          <div className="actions">
            <Button type="submit" isDisabled={isBusy}>Make the key</Button>
          </div>
        </form>
      </details>
      <div role="status">{made !== undefined && <Secret made={made} onDone={() => setMade(undefined)} />}</div>
    </>
  );
}

function Secret({ made: { secret, name }, onDone }: { readonly made: Made; readonly onDone: () => void }) {
  return (
    <div className="secret">
      <p>
        The key of <strong>{name}</strong>. Keep it now: it is shown nowhere else, and never again.
      </p>
      <p>
        <code>{secret}</code>
      </p>
      <div className="actions">
        <CopyButton text={secret} />
        <Button onPress={onDone}>I have kept it</Button>
      </div>
    </div>
  );
}

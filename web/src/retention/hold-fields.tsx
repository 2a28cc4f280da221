import { timeOfInput, type Zone, zoneName } from "../time-format.ts";

/** What a hold covers: all that is named must be so of an event. */
export function HoldFields({ zone }: { readonly zone: Zone }) {
  return (
    <>
      <p className="small">
        What it covers neither expires nor can be deleted, until it is released. All that you name must be so of an event; name nothing to hold everything.
      </p>
      <label>
        Reason<textarea name="reason" required maxLength={1000} rows={2} placeholder="Case number, or who asked for it" />
      </label>
      <label>
        Object type<input name="object_type" maxLength={100} autoComplete="off" />
      </label>
      <label>
        Object<input name="object_id" maxLength={255} autoComplete="off" />
      </label>
      <label>
        Actor<input name="actor_id" maxLength={255} autoComplete="off" />
      </label>
      <label>
        From ({zoneName(zone)})<input name="from" type="datetime-local" />
      </label>
      <label>
        To ({zoneName(zone)})<input name="to" type="datetime-local" />
      </label>
    </>
  );
}

/** The hold of a filled form: fields that were left empty are not named. */
export function holdOfForm(form: FormData, zone: Zone): Readonly<Record<string, string>> {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const named = ["reason", "object_type", "object_id", "actor_id"].map((name) => [name, text(name)] as const);
  const times = ["from", "to"].map((name) => [name, timeOfInput(text(name), zone) ?? ""] as const);
  return Object.fromEntries([...named, ...times].filter(([, value]) => value !== ""));
}

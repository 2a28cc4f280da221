import { type FormEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components";
import type { FacetValue } from "./api.ts";
import { type FormKey, termOf, withTerm } from "./query-text.ts";
import { inputOf, timeOfInput } from "./time-format.ts";
import { type Preset, presets, useView } from "./view-state.ts";

const presetNames: Readonly<Record<Preset, string>> = { "1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days" };
const fields: readonly { readonly key: FormKey; readonly label: string; readonly facet?: string }[] = [
  { key: "action", label: "Event type", facet: "event_type" },
  { key: "source", label: "Source", facet: "source" },
  { key: "actor", label: "Actor" },
  { key: "object", label: "Object" },
  { key: "ip", label: "IP address" },
];

/** The query text and the form are two views of one thing: the text is kept, the form reads and writes its terms. */
export function FilterBar({ facets }: { readonly facets: Readonly<Record<string, readonly FacetValue[]>> | undefined }) {
  const [view, setView] = useView();
  const [text, setText] = useState(view.q);
  useEffect(() => setText(view.q), [view.q]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setView({ q: text.trim() });
  };
  const setTerm = (key: FormKey, value: string) => setView({ q: withTerm(text, key, value) });

  return (
    <form role="search" aria-label="Filter events" className="filters" onSubmit={submit}>
      <div className="query">
        <label htmlFor="q">Query</label>
        <input
          id="q"
          type="search"
          value={text}
          placeholder='actor:alice action:order.* -result:success "card declined"'
          autoComplete="off"
          spellCheck={false}
          maxLength={4000}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit">Search</Button>
        {view.q !== "" && <Button onPress={() => setView({ q: "" })}>Clear</Button>}
      </div>
      <div className="fields">
        <label>
          Range
          <select
            value={view.range}
            onChange={({ target }) =>
              target.value === "custom"
                ? setView({ range: "custom", from: new Date(Date.now() - presets["7d"]).toISOString(), to: new Date().toISOString() })
                : setView({ range: target.value as Preset, from: undefined, to: undefined })}
          >
            {Object.entries(presetNames).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
            <option value="custom">From … to …</option>
          </select>
        </label>
        {view.range === "custom" && <CustomRange />}
        <label>
          Result
          <select value={termOf(text, "result")} onChange={({ target }) => setTerm("result", target.value)}>
            <option value="">any</option>
            <option>success</option>
            <option>failure</option>
            <option>warning</option>
          </select>
        </label>
        {fields.map(({ key, label, facet }) => (
          <TermField
            key={key}
            label={label}
            value={termOf(text, key)}
            suggestions={facet === undefined ? [] : facets?.[facet] ?? []}
            onChange={(value) => setTerm(key, value)}
          />
        ))}
      </div>
    </form>
  );
}

function CustomRange() {
  const [view, setView] = useView();
  return (
    <>
      <label>
        From<input
          type="datetime-local"
          value={inputOf(view.from, view.zone)}
          onChange={({ target }) => setView({ from: timeOfInput(target.value, view.zone) })}
        />
      </label>
      <label>
        To<input type="datetime-local" value={inputOf(view.to, view.zone)} onChange={({ target }) => setView({ to: timeOfInput(target.value, view.zone) })} />
      </label>
    </>
  );
}

type TermFieldProps = {
  readonly label: string;
  readonly value: string;
  readonly suggestions: readonly FacetValue[];
  readonly onChange: (value: string) => void;
};

/** Applies on Enter and on leaving, not on every key: each change is a search. */
function TermField({ label, value, suggestions, onChange }: TermFieldProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const id = `known-${label.replace(/\s/g, "-").toLowerCase()}`;
  const apply = () => text !== value && onChange(text);
  return (
    <label>
      {label}
      <input
        value={text}
        list={suggestions.length === 0 ? undefined : id}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onBlur={apply}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          apply();
        }}
      />
      {suggestions.length > 0 && <datalist id={id}>{suggestions.map((facet) => <option key={facet.value} value={facet.value} />)}</datalist>}
    </label>
  );
}

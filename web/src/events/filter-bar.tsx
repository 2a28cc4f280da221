import { type FormEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components";
import type { FacetValue, Fault } from "../api.ts";
import { RangePicker } from "../range-picker.tsx";
import { useView } from "../view-state.ts";
import { type FormKey, termOf, withTerm } from "./query-text.ts";
import { TermField } from "./term-field.tsx";

const fields: readonly { readonly key: FormKey; readonly label: string; readonly facet?: string }[] = [
  { key: "action", label: "Event type", facet: "event_type" },
  { key: "source", label: "Source", facet: "source" },
  { key: "actor", label: "Actor", facet: "actor_id" },
  { key: "object", label: "Object" },
  { key: "ip", label: "IP address" },
];

type Props = {
  readonly facets: Readonly<Record<string, readonly FacetValue[]>> | undefined;
  /** What the API did not understand of the query. */
  readonly fault: Fault | undefined;
  /** Admins may ask for softly deleted events as well. */
  readonly mayShowDeleted: boolean;
};

/** The query text and the form are two views of one thing: the text is kept, the form reads and writes its terms. */
export function FilterBar({ facets, fault, mayShowDeleted }: Props) {
  const [view, setView] = useView();
  const [text, setText] = useState(view.q);
  const [isOpen, setIsOpen] = useState(false);
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
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? undefined : "q-fault"}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit">Search</Button>
        {view.q !== "" && <Button onPress={() => setView({ q: "" })}>Clear</Button>}
        <Button className="fields-toggle" aria-expanded={isOpen} aria-controls="fields" onPress={() => setIsOpen(!isOpen)}>Filters</Button>
      </div>
      {fault !== undefined && <QueryFault fault={fault} query={view.q} />}
      <div className="fields" id="fields" data-open={isOpen}>
        <RangePicker />
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
        {mayShowDeleted && (
          <label className="check">
            <input type="checkbox" checked={view.deleted} onChange={({ target }) => setView({ deleted: target.checked })} />
            Deleted too
          </label>
        )}
      </div>
    </form>
  );
}

/** The place in the query at which it stopped making sense, and what to write there. */
function QueryFault({ fault: { message, hint, position = 0, length = 0 }, query }: { readonly fault: Fault; readonly query: string }) {
  const end = position + Math.max(1, length);
  return (
    <p className="query-fault" id="q-fault" role="alert">
      {query.length > 0 && (
        <code>
          <bdi>
            {query.slice(Math.max(0, position - 30), position)}
            <mark>{query.slice(position, end) || " "}</mark>
            {query.slice(end, end + 30)}
          </bdi>
        </code>
      )}
      <span>{message}{hint === undefined ? "" : `: ${hint}`}</span>
    </p>
  );
}

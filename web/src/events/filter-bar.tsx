import { type FormEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components";
import type { FacetValue, Fault } from "../api.ts";
import { RangePicker } from "../range-picker.tsx";
import { useView } from "../view-state.ts";
import { type FormKey, typedOf, withTerm, withTyped } from "./query-text.ts";
import { TermField } from "./term-field.tsx";

const fields: readonly { readonly key: FormKey; readonly label: string; readonly facet?: string }[] = [
  { key: "action", label: "Event type", facet: "event_type" },
  { key: "source", label: "Source", facet: "source" },
  { key: "actor", label: "Actor", facet: "actor_id" },
  { key: "object", label: "Object" },
  { key: "ip", label: "IP address" },
];

type Facets = Readonly<Record<string, readonly FacetValue[]>> | undefined;

type Props = {
  readonly facets: Facets;
  /** What the API did not understand of the query. */
  readonly fault: Fault | undefined;
  /** Admins may ask for softly deleted events as well. */
  readonly mayShowDeleted: boolean;
  /** Asks the same again. */
  readonly onAgain: () => void;
};

/** The query text and the form are two views of one thing: the text is kept, the form reads and writes its terms. */
export function FilterBar({ facets, fault, mayShowDeleted, onAgain }: Props) {
  const [view, setView] = useView();
  const [text, setText] = useState(view.q);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => setText(view.q), [view.q]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const q = text.trim();
    if (q === view.q) onAgain();
    else setView({ q });
  };
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
        <TermFields text={text} facets={facets} />
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

/** A field for each term of `text` that the form knows. */
function TermFields({ text, facets }: { readonly text: string; readonly facets: Facets }) {
  const [, setView] = useView();
  const set = (key: FormKey, typed: string) => setView({ q: withTyped(text, key, typed) });
  const result = typedOf(text, "result");
  const results = ["success", "failure", "warning"];
  return (
    <>
      <label>
        Result
        <select value={result} onChange={({ target }) => set("result", target.value)}>
          <option value="">any</option>
          {/* Several by commas, which only the query text can say. */}
          {[...results, ...results.includes(result) || result === "" ? [] : [result]].map((name) => <option key={name}>{name}</option>)}
        </select>
      </label>
      {fields.map(({ key, label, facet }) => (
        <TermField
          key={key}
          label={label}
          value={typedOf(text, key)}
          suggestions={facet === undefined ? [] : facets?.[facet]?.map(({ value }) => typedOf(withTerm("", key, value), key)) ?? []}
          onChange={(typed) => set(key, typed)}
        />
      ))}
    </>
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

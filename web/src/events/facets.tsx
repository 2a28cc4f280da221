import type { Stats } from "../api.ts";
import { PlainText } from "../plain-text.tsx";
import { useView } from "../view-state.ts";
import { type FormKey, hasTerm, withTerm } from "./query-text.ts";

const shown: readonly { readonly name: string; readonly title: string; readonly formKey: FormKey }[] = [
  { name: "result", title: "Result", formKey: "result" },
  { name: "event_type", title: "Event type", formKey: "action" },
  { name: "source", title: "Source", formKey: "source" },
  { name: "actor_id", title: "Actor", formKey: "actor" },
  { name: "object_type", title: "Object type", formKey: "object_type" },
];

const VALUES_SHOWN = 6;

/** Values with counts, each a filter. Says when it has counted the newest events only. */
export function Facets({ stats }: { readonly stats: Stats | undefined }) {
  if (stats === undefined || stats.total === 0) return <aside className="facets" aria-label="Values" />;
  const { counted_events, capped } = stats.facets;
  return (
    <aside className="facets" aria-label="Values">
      {shown.map((facet) => <Facet key={facet.name} {...facet} stats={stats} />)}
      {capped && <p className="small">Counted over the newest {counted_events.toLocaleString("en")} events.</p>}
    </aside>
  );
}

function Facet({ name, title, formKey, stats }: (typeof shown)[number] & { readonly stats: Stats }) {
  const values = stats.facets.values[name] ?? [];
  if (values.length === 0) return null;
  const most = Math.max(...values.map(({ count }) => count));
  const item = ({ value, count }: (typeof values)[number]) => (
    <FacetButton
      key={value}
      formKey={formKey}
      value={value}
      count={count}
      share={count / most}
      description={name === "event_type" ? stats.descriptions?.[value] : undefined}
    />
  );
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul>{values.slice(0, VALUES_SHOWN).map(item)}</ul>
      {values.length > VALUES_SHOWN && (
        <details>
          <summary>{values.length - VALUES_SHOWN} more</summary>
          <ul>{values.slice(VALUES_SHOWN).map(item)}</ul>
        </details>
      )}
    </section>
  );
}

type ButtonProps = {
  readonly formKey: FormKey;
  readonly value: string;
  readonly count: number;
  readonly share: number;
  readonly description: string | undefined;
};

function FacetButton({ formKey, value, count, share, description }: ButtonProps) {
  const [view, setView] = useView();
  const isSet = hasTerm(view.q, formKey, value);
  return (
    <li>
      <button
        type="button"
        aria-pressed={isSet}
        title={description ?? (value.length > 20 ? value.slice(0, 300) : undefined)}
        onClick={() => setView({ q: withTerm(view.q, formKey, isSet ? "" : value), event: undefined, at: undefined })}
      >
        <span className="facet-share" style={{ width: `${share * 100}%` }} aria-hidden="true" />
        <span className="facet-value">
          <PlainText>{value}</PlainText>
        </span>
        <span className="facet-count">{count.toLocaleString("en")}</span>
      </button>
    </li>
  );
}

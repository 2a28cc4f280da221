import type { Stats } from "./api.ts";
import { type FormKey, termOf, withTerm } from "./query-text.ts";
import { useView } from "./view-state.ts";

const shown: readonly { readonly name: string; readonly title: string; readonly key: FormKey }[] = [
  { name: "result", title: "Result", key: "result" },
  { name: "event_type", title: "Event type", key: "action" },
  { name: "source", title: "Source", key: "source" },
  { name: "actor_id", title: "Actor", key: "actor" },
];

/** Values with counts, each a filter. Says when it has counted the newest events only. */
export function Facets({ stats }: { readonly stats: Stats | undefined }) {
  const [view, setView] = useView();
  if (stats === undefined || stats.total === 0) return <aside className="facets" aria-label="Values" />;
  const { counted_events, capped, values } = stats.facets;
  return (
    <aside className="facets" aria-label="Values">
      {shown.map(({ name, title, key }) => (
        <section key={name} aria-label={title}>
          <h2>{title}</h2>
          <ul>
            {(values[name] ?? []).slice(0, 8).map(({ value, count }) => {
              const isSet = termOf(view.q, key) === value;
              return (
                <li key={value}>
                  <button type="button" aria-pressed={isSet} onClick={() => setView({ q: withTerm(view.q, key, isSet ? "" : value) })}>
                    <bdi className="facet-value">{value}</bdi>
                    <span className="facet-count">{count.toLocaleString()}</span>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
      {capped && <p className="small">Counted over the newest {counted_events.toLocaleString()} events.</p>}
    </aside>
  );
}

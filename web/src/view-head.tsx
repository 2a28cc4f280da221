import type { ReactNode } from "react";

/** The head of a view: what it shows, in one sentence what for, and what can be done with all of it. */
export function ViewHead({ title, purpose, children }: { readonly title: string; readonly purpose: string; readonly children?: ReactNode }) {
  return (
    <header className="view-head">
      <div>
        <h1>{title}</h1>
        <p>{purpose}</p>
      </div>
      {children !== undefined && <div className="actions">{children}</div>}
    </header>
  );
}

export type Figure = { readonly name: string; readonly value: ReactNode; readonly note?: ReactNode };

/** Key figures of a view, side by side. */
export function Figures({ label, figures }: { readonly label: string; readonly figures: readonly Figure[] }) {
  return (
    <dl className="figures" aria-label={label}>
      {figures.map(({ name, value, note }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note !== undefined && <dd className="note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}

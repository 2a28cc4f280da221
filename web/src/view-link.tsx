import type { ReactNode } from "react";
import { searchOf, useView, type View } from "./view-state.ts";

/** A link to another view, or to this one asked otherwise. Opens here, or in a tab of its own when somebody wants it to. */
export function ViewLink({ change, children }: { readonly change: Partial<View>; readonly children: ReactNode }) {
  const [view, setView] = useView();
  const full = { event: undefined, at: undefined, ...change };
  return (
    <a
      href={searchOf({ ...view, ...full }) || "?"}
      onClick={(click) => {
        if (click.metaKey || click.ctrlKey || click.shiftKey) return;
        click.preventDefault();
        setView(full);
      }}
    >
      {children}
    </a>
  );
}

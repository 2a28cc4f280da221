import type { ReactNode } from "react";
import { searchOf, useView, type View } from "./view-state.ts";

type Props = {
  readonly change: Partial<View>;
  /** It leads to where one is. */
  readonly isCurrent?: boolean;
  readonly children: ReactNode;
};

/** A link to another view, or to this one asked otherwise. Opens here, or where somebody wants it to: in a tab of its own, a window, as a download. */
export function ViewLink({ change, isCurrent = false, children }: Props) {
  const [view, setView] = useView();
  const full = { event: undefined, at: undefined, ...change };
  return (
    <a
      href={searchOf({ ...view, ...full }) || "?"}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(click) => {
        if (click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
        click.preventDefault();
        setView(full);
      }}
    >
      {children}
    </a>
  );
}

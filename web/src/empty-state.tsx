import { Button } from "react-aria-components";
import type { View } from "./view-state.ts";

type Props = { readonly view: View; readonly onWiden: () => void; readonly onClear: () => void; readonly firstEventCommand: string | undefined };

/** Which kind of nothing it is, and what to do about it. */
export function EmptyState({ view, onWiden, onClear, firstEventCommand }: Props) {
  const isFiltered = view.q !== "";
  return (
    <div className="empty">
      <h2>{isFiltered ? "No event matches" : "No events in this range"}</h2>
      {isFiltered
        ? <p>The query leaves nothing of the range. Take a term away, or widen the range.</p>
        : <p>Nothing was logged then, or it happened earlier. Widen the range, or log a first event.</p>}
      <p className="actions">
        {isFiltered && <Button onPress={onClear}>Clear the query</Button>}
        {view.range !== "30d" && <Button onPress={onWiden}>Look at 30 days</Button>}
      </p>
      {!isFiltered && firstEventCommand !== undefined && <pre tabIndex={0}><code>{firstEventCommand}</code></pre>}
    </div>
  );
}

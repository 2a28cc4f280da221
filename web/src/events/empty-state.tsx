import { Button } from "react-aria-components";
import { presets, type View } from "../view-state.ts";

type Props = {
  readonly view: View;
  /** True when there was no time to look through all of the range. */
  readonly hasMore: boolean;
  /** True when the log holds nothing at all that this person may see. */
  readonly isNew: boolean;
  readonly onWiden: () => void;
  readonly onClear: () => void;
  readonly firstEventCommand: string | undefined;
};

/** Which kind of nothing it is, and what to do about it. */
export function EmptyState({ view, hasMore, isNew, onWiden, onClear, firstEventCommand }: Props) {
  if (isNew) return <NoEventsYet command={firstEventCommand} />;
  if (hasMore) {
    return (
      <div className="empty">
        <h2>Nothing found so far</h2>
        <p>There was no time to look through the whole range. Load older events to look further, or narrow the range.</p>
      </div>
    );
  }
  const isFiltered = view.q !== "";
  const canWiden = view.range === "custom" || presets[view.range] < presets["90d"];
  return (
    <div className="empty">
      <h2>{isFiltered ? "No event matches" : "No events in this range"}</h2>
      <p>
        {isFiltered
          ? "The query leaves nothing of the range. Take a term away, or widen the range."
          : "Nothing was logged then. Widen the range to look further."}
      </p>
      <p className="actions">
        {isFiltered && <Button onPress={onClear}>Clear the query</Button>}
        {canWiden && <Button onPress={onWiden}>Look at 90 days</Button>}
      </p>
    </div>
  );
}

/** What is wrong with it stands under the query itself, where it is mended. */
export function UnreadableQuery({ onClear }: Pick<Props, "onClear">) {
  return (
    <div className="empty">
      <h2>The query cannot be read</h2>
      <p>Nothing was searched. Mend the part that is marked under the query.</p>
      <p className="actions">
        <Button onPress={onClear}>Clear the query</Button>
      </p>
    </div>
  );
}

/** A log in which nothing has ever happened: what is needed is a first event, not another filter. */
function NoEventsYet({ command }: { readonly command: string | undefined }) {
  return (
    <div className="empty">
      <h2>No events yet</h2>
      <p>Applications post events with an API key of scope ingest. They are here a moment later.</p>
      {command === undefined
        ? (
          <pre
            tabIndex={0}
          ><code>{'curl <functions URL>/audit-logger -H "Authorization: Bearer <key>" -H "Content-Type: application/json" -d \'{"events":[{"event_type":"document.opened"}]}\''}</code></pre>
        )
        : <pre tabIndex={0}><code>{command}</code></pre>}
    </div>
  );
}

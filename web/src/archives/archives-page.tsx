import type { Api } from "../api.ts";
import { ListTable } from "../list-table.tsx";
import { LoadOlder, QueryState, useTenantList } from "../query-state.tsx";
import { formatSecond, zoneName } from "../time-format.ts";
import { Figures, ViewHead } from "../view-head.tsx";
import { ViewLink } from "../view-link.tsx";
import { useView } from "../view-state.ts";

/** A UTC day of the tenant that has left the database. */
type Archive = {
  readonly day: string;
  readonly state: string;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly checkpoint_size: number;
  readonly manifest_sha256: string;
  readonly archived_at: string;
  readonly expires_at: string;
  readonly deleted_at: string | null;
  readonly held: boolean;
};

/** The days that were moved to object storage: how large, in which state, until when. */
export function ArchivesPage({ api, tenant }: { readonly api: Api; readonly tenant: string | undefined }) {
  const [view] = useView();
  const { list, rows: archives } = useTenantList<Archive>(api, "archives", tenant);
  const kept = archives.filter(({ deleted_at }) => deleted_at === null);
  const sum = (name: "rows" | "bytes") => kept.reduce((total, archive) => total + archive[name], 0);
  return (
    <div className="view">
      <ViewHead
        title="Archives"
        purpose="Days that have left the database. Their events are searched, exported and verified as before; a day reads back with a signed manifest."
      />
      <QueryState query={list} />
      {list.isSuccess && archives.length === 0 && (
        <div className="empty">
          <h2>No day is archived yet</h2>
          <p>A day moves to the archive when its time in the database is over. Until then all events are in the database.</p>
        </div>
      )}
      {archives.length > 0 && (
        <>
          <Figures
            label="Archive"
            figures={[
              {
                name: "Days",
                value: `${archives.length.toLocaleString("en")}${list.hasNextPage ? "+" : ""}`,
                note: `${archives.at(-1)?.day} to ${archives[0]?.day}`,
              },
              { name: "Events", value: sum("rows").toLocaleString("en"), note: kept.length < archives.length ? "without expired days" : undefined },
              { name: "Size", value: sizeText(sum("bytes")) },
              { name: "Held", value: archives.filter(({ held }) => held).length.toLocaleString("en"), note: "days that may not expire" },
            ]}
          />
          <ListTable
            caption="Archived days, newest first"
            rows={archives}
            keyOf={({ day }) => day}
            columns={[
              { head: "Day (UTC)", cell: dayLink, isRowHead: true },
              { head: "State", cell: (archive) => <State archive={archive} /> },
              { head: "Events", cell: ({ rows }) => rows.toLocaleString("en"), isNumber: true },
              { head: "Files", cell: ({ files }) => files.toLocaleString("en"), isNumber: true },
              { head: "Size", cell: ({ bytes }) => sizeText(bytes), isNumber: true },
              { head: `Archived (${zoneName(view.zone)})`, cell: ({ archived_at }) => formatSecond(archived_at, view.zone) },
              { head: "Expires", cell: ({ expires_at, held }) => held ? "held" : expires_at.slice(0, 10) },
              { head: "Manifest", cell: ({ manifest_sha256: hash }) => <code title={hash}>{hash.slice(0, 12)}…</code> },
            ]}
          />
          <LoadOlder list={list}>Load older days</LoadOlder>
        </>
      )}
    </div>
  );
}

function dayLink({ day, deleted_at }: Archive) {
  if (deleted_at !== null) return day;
  return <ViewLink change={{ page: "events", q: "", range: "custom", from: `${day}T00:00:00.000Z`, to: `${day}T23:59:59.999Z` }}>{day}</ViewLink>;
}

function State({ archive: { state, held, deleted_at } }: { readonly archive: Archive }) {
  if (deleted_at !== null) return <span className="status expired">expired {deleted_at.slice(0, 10)}</span>;
  return <span className="status active">{state}{held ? ", held" : ""}</span>;
}

function sizeText(bytes: number): string {
  const [unit, size] = ([["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const).find(([, least]) => bytes >= least) ?? ["bytes", 1];
  return `${size === 1 ? bytes : (bytes / size).toFixed(1)} ${unit}`;
}

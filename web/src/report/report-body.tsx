import { Fragment, type ReactNode } from "react";
import { ListTable } from "../list-table.tsx";
import { PlainText } from "../plain-text.tsx";
import { formatSecond, type Zone, zoneName } from "../time-format.ts";
import { Figures } from "../view-head.tsx";
import { ViewLink } from "../view-link.tsx";
import { type AccessFigure, type Report, type TypeFigure, viewOfQuery } from "./report.ts";

const count = (value: number) => value.toLocaleString("en");

/** A time with its zone, as the view shows times. */
type TimeText = (time: string) => string;

export function ReportBody({ report, zone }: { readonly report: Report; readonly zone: Zone }) {
  const time: TimeText = (text) => `${formatSecond(text, zone)} ${zoneName(zone, text)}`;
  return (
    <>
      {report.partial && (
        <p className="notice" role="status">
          There was no time for all archived events: those before {time(report.archived_counted_from ?? report.from)} are not counted. Ask for a shorter range.
        </p>
      )}
      <Facts report={report} time={time} />
      <RangeFigures report={report} />
      <Verification report={report} time={time} />
      <Keeping report={report} />
      <section>
        <h2>Events by type and result</h2>
        <TypeTable rows={report.events.by_type} />
        {report.events.has_more_types && <p className="small">There are more types than are listed here.</p>}
      </section>
      <section>
        <h2>Who read or exported what</h2>
        <AccessTable rows={report.access.by_principal} zone={zone} />
        {report.access.has_more && <p className="small">There are more readers than are listed here.</p>}
      </section>
      <p className="small">
        Figures are of events that were acknowledged before{" "}
        {time(report.fresh_as_of)}. Verification in this report is the service's own; an independent one is in the view Integrity and in the command{" "}
        <code>audit-events verify</code>.
      </p>
    </>
  );
}

/** Of whom, of when and by whom the report is. */
function Facts({ report, time }: { readonly report: Report; readonly time: TimeText }) {
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Tenant", <code key="tenant">{report.tenant_id}</code>],
    ["Range", `${time(report.from)} – ${time(report.to)}`],
    [
      "Made",
      <Fragment key="made">
        {time(report.fresh_as_of)}, by <PlainText>{report.created_by}</PlainText>
      </Fragment>,
    ],
    [
      "Recorded as",
      <ViewLink key="record" change={{ page: "events", q: "", event: report.record.id, at: report.record.occurred_at }}>
        <code>{report.record.id}</code>
      </ViewLink>,
    ],
  ];
  return (
    <dl className="report-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function RangeFigures({ report: { events, seal, retention, from, to } }: { readonly report: Report }) {
  const failures = events.by_type.reduce((sum, { failure }) => sum + failure, 0);
  return (
    <Figures
      label="The range in figures"
      figures={[
        { name: "Events", value: <ViewLink change={{ page: "events", q: "", range: "custom", from, to }}>{count(events.total)}</ViewLink> },
        {
          name: "Failed",
          value: <span className={failures === 0 ? undefined : "bad"}>{failures === 0 ? "none" : count(failures)}</span>,
          note: events.has_more_types ? "of the types listed" : undefined,
        },
        { name: "Sealed", value: count(seal.sealed), note: seal.not_yet_sealed === 0 ? "all of them" : `${count(seal.not_yet_sealed)} not yet` },
        { name: "Kept", value: `${retention.retention_years} years`, note: `${retention.hot_days} days in the database` },
      ]}
    />
  );
}

/** What is held, archived and deleted: each figure leads to what it counts. */
function Keeping({ report: { holds, archives, deletions, retention } }: { readonly report: Report }) {
  return (
    <section>
      <h2>Retention, holds and archives</h2>
      <Figures
        label="Retention, holds and archives"
        figures={[
          { name: "Retention", value: `${retention.retention_years} years`, note: retention.is_default ? "the default of this service" : "this tenant's own" },
          {
            name: "Holds in force",
            value: <ViewLink change={{ page: "retention" }}>{count(holds.active)}</ViewLink>,
            note: (
              <>
                <ViewLink change={viewOfQuery(holds.placed_query)}>{count(holds.placed)} placed</ViewLink>,{" "}
                <ViewLink change={viewOfQuery(holds.released_query)}>{count(holds.released)} released</ViewLink> in the range
              </>
            ),
          },
          {
            name: "Archived days",
            value: <ViewLink change={{ page: "archives" }}>{count(archives.days)}</ViewLink>,
            note: `${count(archives.rows)} events, ${count(archives.held)} days held, ${count(archives.expired)} expired`,
          },
          { name: "Softly deleted", value: count(deletions.events), note: "events of the range" },
        ]}
      />
    </section>
  );
}

function Verification({ report: { verification, seal }, time }: { readonly report: Report; readonly time: TimeText }) {
  const { outcome, message, checkpoint } = verification;
  const isBad = outcome === "tampered" || seal.changed_before_sealing > 0 || seal.tree_problem !== null;
  const title = isBad ? "✕ The log does not verify" : outcome === "verified" ? "✓ The log verifies" : "– Nothing is signed yet";
  return (
    <section aria-label="Verification">
      <h2>Verification</h2>
      <div className={`outcome ${isBad ? "bad" : outcome === "verified" ? "good" : ""}`}>
        <strong>{title}</strong>
        <p>{message[0]?.toUpperCase()}{message.slice(1)}.</p>
        {seal.changed_before_sealing > 0 && <p>{count(seal.changed_before_sealing)} events were changed before they were sealed.</p>}
        {seal.tree_problem !== null && <p>{seal.tree_problem}</p>}
        {checkpoint !== undefined && (
          <p className="small">
            Checkpoint of {count(checkpoint.size)} events, signed {time(checkpoint.signed_at)} by <code>{checkpoint.verifier_key}</code>, root{" "}
            <code>{checkpoint.root}</code>
          </p>
        )}
      </div>
    </section>
  );
}

function TypeTable({ rows }: { readonly rows: readonly TypeFigure[] }) {
  return (
    <ListTable
      caption="Events by type and result"
      rows={rows}
      keyOf={({ event_type }) => event_type}
      columns={[
        {
          head: "Event type",
          cell: ({ event_type, query }) => (
            <ViewLink change={viewOfQuery(query)}>
              <PlainText>{event_type}</PlainText>
            </ViewLink>
          ),
          isRowHead: true,
        },
        { head: "Success", cell: ({ success }) => count(success), isNumber: true },
        { head: "Warning", cell: ({ warning }) => count(warning), isNumber: true },
        { head: "Failure", cell: ({ failure }) => failure === 0 ? "0" : <span className="bad">{count(failure)}</span>, isNumber: true },
        { head: "All", cell: ({ success, warning, failure }) => count(success + warning + failure), isNumber: true },
      ]}
    />
  );
}

function AccessTable({ rows, zone }: { readonly rows: readonly AccessFigure[]; readonly zone: Zone }) {
  if (rows.length === 0) return <p>Nobody.</p>;
  return (
    <ListTable
      caption="Who read or exported what"
      rows={rows}
      keyOf={({ principal, event_type }) => `${principal} ${event_type}`}
      columns={[
        { head: "Who", cell: ({ principal }) => <PlainText>{principal}</PlainText>, isRowHead: true },
        { head: "Did", cell: ({ event_type, query }) => <ViewLink change={viewOfQuery(query)}>{event_type}</ViewLink> },
        { head: "Times", cell: ({ count: times }) => count(times), isNumber: true },
        { head: "Rows exported", cell: ({ rows: exported }) => exported === 0 ? "–" : count(exported), isNumber: true },
        { head: `Last (${zoneName(zone)})`, cell: ({ last_at }) => formatSecond(last_at, zone) },
      ]}
    />
  );
}

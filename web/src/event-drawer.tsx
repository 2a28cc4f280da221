import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api, ListedEvent } from "./api.ts";
import { changesOf, EventDiff } from "./event-diff.tsx";
import { sentenceOf } from "./event-sentence.ts";
import { ProblemNotice } from "./problem-notice.tsx";
import { withTerm } from "./query-text.ts";
import { formatTime, zoneName } from "./time-format.ts";
import { VerifyBadge } from "./verify-badge.tsx";
import { useView } from "./view-state.ts";

type Props = {
  readonly api: Api;
  readonly id: string;
  readonly at: string | undefined;
  readonly tenant: string | undefined;
  /** Auditors verify; a viewer's receipt would be refused. */
  readonly mayVerify: boolean;
  /** The event as the table has it, shown until the event itself is there. */
  readonly listed: ListedEvent | undefined;
  readonly onClose: () => void;
};

const labels: readonly (readonly [string, string])[] = [
  ["actor_id", "Actor"],
  ["actor_type", "Actor type"],
  ["object_type", "Object type"],
  ["object_id", "Object"],
  ["source", "Source"],
  ["message", "Message"],
  ["duration_ms", "Duration, ms"],
  ["ip_address", "IP address"],
  ["user_agent", "User agent"],
  ["device_fingerprint", "Device"],
  ["request_id", "Request"],
  ["producer_id", "Producer"],
  ["producer_seq", "Producer's number"],
  ["principal", "Sent with"],
  ["id", "Id"],
  ["leaf_hash", "Leaf hash"],
];

/** One event with everything it holds. Not a modal: the table beside it stays in use. */
export function EventDrawer({ api, id, at, tenant, mayVerify, listed, onClose }: Props) {
  const [view, setView] = useView();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [id]);
  const single = useQuery({
    queryKey: ["event", tenant, id, at],
    queryFn: async ({ signal }) => (await api.get<{ event: ListedEvent }>(`events/${id}`, { tenant_id: tenant, at }, signal)).event,
    enabled: listed === undefined,
  });
  const event = listed ?? single.data;
  const search = (q: string) => setView({ q, event: undefined, at: undefined });

  return (
    <aside className="drawer" aria-label="Event">
      <div className="drawer-head">
        <h2 ref={heading} tabIndex={-1}>{event === undefined ? "Event" : sentenceOf(event)}</h2>
        <Button onPress={onClose} aria-label="Close the event">✕</Button>
      </div>
      {single.isError && <ProblemNotice error={single.error} onRetry={() => void single.refetch()} />}
      {event !== undefined && (
        <>
          <p className="small">
            <time dateTime={event.occurred_at}>{formatTime(event.occurred_at, view.zone)} {zoneName(view.zone)}</time>, received{" "}
            {formatTime(event.received_at, view.zone)}
          </p>
          {mayVerify && <VerifyBadge key={event.id} api={api} event={event} />}
          <div className="actions">
            {event.actor_id !== undefined && <Button onPress={() => search(withTerm("", "actor", event.actor_id as string))}>Everything by this actor</Button>}
            {event.object_id !== undefined && (
              <Button onPress={() => search(withTerm("", "object", event.object_id as string))}>Everything on this object</Button>
            )}
            <Button onPress={() => setView({ q: "", range: "custom", ...around(event.occurred_at), event: undefined, at: undefined })}>
              Ten minutes around it
            </Button>
          </div>
          <dl>
            {labels.filter(([name]) => event[name] !== undefined).map(([name, label]) => (
              <div key={name}>
                <dt>{label}</dt>
                <dd>
                  <bdi>{String(event[name])}</bdi>
                </dd>
              </div>
            ))}
          </dl>
          {changesOf(event.context) !== undefined && <EventDiff changes={changesOf(event.context) ?? []} />}
          <JsonOf event={event} />
        </>
      )}
    </aside>
  );
}

function JsonOf({ event }: { readonly event: ListedEvent }) {
  const { href: _, ...own } = event;
  const json = JSON.stringify(own, null, 2);
  return (
    <section aria-label="JSON">
      <div className="drawer-head">
        <h3>JSON</h3>
        <Button onPress={() => void navigator.clipboard.writeText(json)}>Copy</Button>
      </div>
      <pre tabIndex={0}><code dir="ltr">{json}</code></pre>
    </section>
  );
}

function around(time: string): { from: string; to: string } {
  const ms = Date.parse(time);
  return { from: new Date(ms - 300_000).toISOString(), to: new Date(ms + 300_000).toISOString() };
}

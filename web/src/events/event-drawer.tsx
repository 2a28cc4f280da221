import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api, ListedEvent } from "../api.ts";
import { PlainText } from "../plain-text.tsx";
import { ProblemNotice } from "../problem-notice.tsx";
import { isAtLeast, type Role } from "../session/session.ts";
import { formatTime, zoneName } from "../time-format.ts";
import { useNarrow } from "../use-narrow.ts";
import { useView } from "../view-state.ts";
import { changesOf, EventDiff } from "./event-diff.tsx";
import { DeletedNotice, DeleteEvent } from "./event-deletion.tsx";
import { EventFields } from "./event-fields.tsx";
import { EventJson } from "./event-json.tsx";
import { sentenceOf } from "./event-sentence.ts";
import { withTerm } from "./query-text.ts";
import { VerifyBadge } from "./verify-badge.tsx";

type Props = {
  readonly api: Api;
  readonly id: string;
  readonly at: string | undefined;
  readonly tenant: string | undefined;
  readonly role: Role;
  /** The event as the table has it, shown until the event itself is there. */
  readonly listed: ListedEvent | undefined;
  /** What its type means, where the deployment says. */
  readonly descriptions: Readonly<Record<string, string>> | undefined;
  readonly onClose: () => void;
};

/**
 * One event with everything it holds. No modal where there is room: the table beside it stays in use. In a narrow window it covers everything, and then
 * nothing behind it takes the keyboard or a tap.
 */
export function EventDrawer({ api, id, at, tenant, role, listed, descriptions, onClose }: Props) {
  const [view] = useView();
  const isModal = useNarrow();
  const heading = useRef<HTMLHeadingElement>(null);
  const opener = useRef<HTMLElement>(null);
  useEffect(() => {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && activeElement.closest(".drawer") === null) opener.current = activeElement;
    heading.current?.focus({ preventScroll: true });
  }, [id]);
  // Back to the row that it was opened from: the keyboard goes on there, not at the top of the page.
  useEffect(() => () => opener.current?.focus({ preventScroll: true }), []);
  const single = useQuery({
    queryKey: ["event", tenant, id, at, view.deleted],
    queryFn: async ({ signal }) => {
      const parameters = { tenant_id: tenant, at, include_deleted: view.deleted ? "true" : undefined };
      return (await api.get<{ event: ListedEvent }>(`events/${id}`, parameters, signal)).event;
    },
    enabled: listed === undefined,
  });
  const event = listed ?? single.data;
  const changes = changesOf(event?.context);

  return (
    <div className="drawer" role={isModal ? "dialog" : "complementary"} aria-modal={isModal || undefined} aria-label="Event">
      <div className="drawer-head">
        <h2 ref={heading} tabIndex={-1}>
          {event === undefined ? "Event" : sentenceOf(event).map(({ text, isName }, index) => isName ? <PlainText key={index}>{text}</PlainText> : text)}
        </h2>
        <Button onPress={onClose} aria-label="Close the event">✕</Button>
      </div>
      {single.isError && <ProblemNotice error={single.error} onRetry={() => void single.refetch()} />}
      {event === undefined && single.isPending && <p role="status" className="waiting">Loading the event…</p>}
      {event !== undefined && (
        <>
          <p className="drawer-when">
            <time dateTime={event.occurred_at}>{formatTime(event.occurred_at, view.zone)} {zoneName(view.zone, event.occurred_at)}</time>
            <span className={`result ${event.result}`}>{event.result}</span>
          </p>
          {isAtLeast(role, "auditor") && <VerifyBadge key={event.id} api={api} event={event} />}
          {event.deleted !== undefined && <DeletedNotice deletion={event.deleted} />}
          <Searches event={event} />
          {changes !== undefined && <EventDiff changes={changes} />}
          <EventFields event={event} zone={view.zone} description={descriptions?.[event.event_type]} />
          <EventJson event={event} />
          {role === "admin" && event.deleted === undefined && <DeleteEvent key={`delete ${event.id}`} api={api} event={event} onDeleted={onClose} />}
        </>
      )}
    </div>
  );
}

/** Where to look next from here. */
function Searches({ event }: { readonly event: ListedEvent }) {
  const [, setView] = useView();
  const search = (q: string) => setView({ q, event: undefined, at: undefined });
  const { actor_id: actor, object_id: object } = event;
  return (
    <div className="actions">
      {actor !== undefined && <Button onPress={() => search(withTerm("", "actor", actor))}>Everything by this actor</Button>}
      {object !== undefined && <Button onPress={() => search(withTerm("", "object", object))}>Everything on this object</Button>}
      <Button onPress={() => setView({ q: "", range: "custom", ...around(event.occurred_at), event: undefined, at: undefined })}>
        Ten minutes around it
      </Button>
    </div>
  );
}

function around(time: string): { from: string; to: string } {
  const ms = Date.parse(time);
  return { from: new Date(ms - 300_000).toISOString(), to: new Date(ms + 300_000).toISOString() };
}

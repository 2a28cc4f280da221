import { memo, useEffect, useRef } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ListedEvent } from "../api.ts";
import { formatTime, type Zone, zoneName } from "../time-format.ts";
import { OneLine, PlainText } from "../plain-text.tsx";

/** The same as in event-table.css: what is not in sight is reckoned, not measured. */
const ROW_PX = 32;
const VIRTUAL_FROM = 200;
const columns = ["Result", "Event type", "Actor", "Object", "Source", "IP address", "Message"] as const;

type Props = {
  readonly events: readonly ListedEvent[];
  readonly zone: Zone;
  /** Row that the keyboard stands on; -1 is none. */
  readonly cursor: number;
  readonly openId: string | undefined;
  readonly isLoading: boolean;
  readonly onOpen: (event: ListedEvent) => void;
};

/** A plain table; past 200 rows only those in sight are in the document. */
export function EventTable({ events, zone, cursor, openId, isLoading, onOpen }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const isVirtual = events.length > VIRTUAL_FROM;
  const virtualizer = useVirtualizer({
    count: events.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 6,
    enabled: isVirtual,
  });
  useEffect(() => {
    if (cursor < 0) return;
    if (isVirtual) virtualizer.scrollToIndex(cursor);
    // The row may not be in the document before the scroll has been drawn.
    const focus = () => scroller.current?.querySelector<HTMLElement>(`[data-index="${cursor}"] button`)?.focus({ preventScroll: isVirtual });
    const frame = requestAnimationFrame(focus);
    return () => cancelAnimationFrame(frame);
  }, [cursor, isVirtual, virtualizer]);

  const items = virtualizer.getVirtualItems();
  const indexes = isVirtual ? items.map(({ index }) => index) : events.map((_, index) => index);
  const before = isVirtual ? items[0]?.start ?? 0 : 0;
  const after = isVirtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;

  return (
    <div className="table-scroller" ref={scroller} tabIndex={0} role="region" aria-label="Table of events">
      <table className="event-table" aria-rowcount={events.length + 1}>
        <caption className="visually-hidden">Audit events, newest first</caption>
        <thead>
          <tr>
            <th scope="col" aria-sort="descending" title={zoneName(zone)}>
              Time (<ZonePlace zone={zone} />)
            </th>
            {columns.map((name) => <th key={name} scope="col">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {isLoading && Array.from({ length: 12 }, (_, index) => (
            <tr key={index} className="skeleton" aria-hidden="true">
              <td colSpan={8} />
            </tr>
          ))}
          {before > 0 && <Space height={before} />}
          {indexes.map((index) => {
            const event = events[index] as ListedEvent;
            return (
              <EventRow key={event.id} event={event} index={index} zone={zone} isOpen={event.id === openId} isAtCursor={index === cursor} onOpen={onOpen} />
            );
          })}
          {after > 0 && <Space height={after} />}
        </tbody>
      </table>
    </div>
  );
}

/** `Europe/Berlin`; where that has no room, only `Berlin`. */
function ZonePlace({ zone }: { readonly zone: Zone }) {
  const parts = zoneName(zone).split("/");
  const place = parts.pop();
  return (
    <>
      {parts.length > 0 && <span className="zone-region">{parts.join("/")}/</span>}
      {place}
    </>
  );
}

function Space({ height }: { readonly height: number }) {
  return (
    <tr aria-hidden="true" className="space">
      <td colSpan={8} style={{ height }} />
    </tr>
  );
}

type RowProps = Pick<Props, "zone" | "onOpen"> & {
  readonly event: ListedEvent;
  readonly index: number;
  readonly isOpen: boolean;
  readonly isAtCursor: boolean;
};

const EventRow = memo(function EventRow({ event, index, zone, isOpen, isAtCursor, onOpen }: RowProps) {
  const time = formatTime(event.occurred_at, zone);
  const className = [isOpen && "open", isAtCursor && "at-cursor", event.deleted !== undefined && "deleted"].filter(Boolean).join(" ");
  return (
    <tr data-index={index} aria-rowindex={index + 2} className={className || undefined} onClick={() => getSelection()?.type !== "Range" && onOpen(event)}>
      <td>
        <button
          type="button"
          className="row-link"
          aria-expanded={isOpen}
          onClick={(click) => {
            click.stopPropagation();
            onOpen(event);
          }}
        >
          <span className="date">
            <span className="year">{time.slice(0, 5)}</span>
            {time.slice(5, 10)}
          </span>{" "}
          {time.slice(11, 19)}
          <span className="fraction">{time.slice(19)}</span>
        </button>
      </td>
      <td>
        <span className={`result ${event.result}`}>{event.result}</span>
      </td>
      <td className="type">
        <OneLine>{event.event_type}</OneLine>
      </td>
      <td>
        <OneLine>{event.actor_id}</OneLine>
      </td>
      <td>
        <span className="object">
          {event.object_type !== undefined && (
            <span className="object-type">
              <PlainText>{event.object_type}</PlainText>
            </span>
          )}
          <OneLine>{event.object_id}</OneLine>
        </span>
      </td>
      <td>
        <OneLine>{event.source}</OneLine>
      </td>
      <td className="address">
        <OneLine>{event.ip_address}</OneLine>
      </td>
      <td>
        <OneLine>{event.message}</OneLine>
      </td>
    </tr>
  );
});

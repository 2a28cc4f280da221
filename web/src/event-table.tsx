import { useEffect, useRef } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ListedEvent } from "./api.ts";
import { formatTime, type Zone, zoneName } from "./time-format.ts";

const ROW_PX = 36;
const VIRTUAL_FROM = 200;

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
    overscan: 20,
    enabled: isVirtual,
  });
  useEffect(() => {
    if (cursor < 0) return;
    if (isVirtual) virtualizer.scrollToIndex(cursor);
    scroller.current?.querySelector<HTMLElement>(`[data-index="${cursor}"] button`)?.focus();
  }, [cursor, isVirtual, virtualizer]);

  const items = virtualizer.getVirtualItems();
  const indexes = isVirtual ? items.map(({ index }) => index) : events.map((_, index) => index);
  const before = isVirtual ? items[0]?.start ?? 0 : 0;
  const after = isVirtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;

  return (
    <div className="table-scroller" ref={scroller} tabIndex={0} role="region" aria-label="Table of events">
      <table aria-rowcount={events.length + 1}>
        <caption className="visually-hidden">Audit events, newest first</caption>
        <thead>
          <tr>
            <th scope="col" aria-sort="descending">Time ({zoneName(zone)})</th>
            <th scope="col">Result</th>
            <th scope="col">Event type</th>
            <th scope="col">Actor</th>
            <th scope="col">Object</th>
            <th scope="col">Source</th>
            <th scope="col">Message</th>
          </tr>
        </thead>
        <tbody>
          {isLoading && Array.from({ length: 8 }, (_, index) => (
            <tr key={index} className="skeleton" aria-hidden="true">
              <td colSpan={7} />
            </tr>
          ))}
          {before > 0 && (
            <tr aria-hidden="true">
              <td colSpan={7} height={before} />
            </tr>
          )}
          {indexes.map((index) => {
            const event = events[index] as ListedEvent;
            return (
              <EventRow key={event.id} event={event} index={index} zone={zone} isOpen={event.id === openId} isAtCursor={index === cursor} onOpen={onOpen} />
            );
          })}
          {after > 0 && (
            <tr aria-hidden="true">
              <td colSpan={7} height={after} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

type RowProps = Pick<Props, "zone" | "onOpen"> & {
  readonly event: ListedEvent;
  readonly index: number;
  readonly isOpen: boolean;
  readonly isAtCursor: boolean;
};

function EventRow({ event, index, zone, isOpen, isAtCursor, onOpen }: RowProps) {
  return (
    <tr data-index={index} aria-rowindex={index + 2} className={isOpen ? "open" : isAtCursor ? "at-cursor" : undefined} onClick={() => onOpen(event)}>
      <td className="time">
        <button
          type="button"
          className="row-link"
          aria-expanded={isOpen}
          onClick={(click) => {
            click.stopPropagation();
            onOpen(event);
          }}
        >
          {formatTime(event.occurred_at, zone)}
        </button>
      </td>
      <td>
        <span className={`result ${event.result}`}>{event.result}</span>
      </td>
      <td className="name">{event.event_type}</td>
      <td className="text">
        <bdi>{event.actor_id}</bdi>
      </td>
      <td className="text">
        <bdi>{[event.object_type, event.object_id].filter(Boolean).join(" ")}</bdi>
      </td>
      <td className="name">{event.source}</td>
      <td className="text wide">
        <bdi>{event.message}</bdi>
      </td>
    </tr>
  );
}

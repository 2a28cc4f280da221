import { AuditError } from "./errors.ts";
import { toHex } from "./format/hex.ts";
import { limits } from "./limits.ts";
import type { Filter } from "./query-filter.ts";
import { matches } from "./query-match.ts";
import type { FeedScope, SealedEvent, SealedFeed, SealedPage } from "./stream-feed.ts";

/** What one stream may take; undefined where it may last as long as its credential. The client goes on where it ended. */
export type StreamBounds = { readonly ms: number; readonly eventsMax: number; readonly bytesMax: number };

export type StreamRequest = {
  readonly scope: FeedScope;
  /** What the events must be; its window too, which is all of time unless one was asked for. */
  readonly filter: Filter;
  /** Verifies the credential again; rejects when it no longer allows this stream. */
  readonly recheck: () => Promise<unknown>;
  /** Fires when the client is gone or the process stops. */
  readonly signal: AbortSignal;
};

export type StreamParts = { readonly feed: SealedFeed; readonly elapsedMs: () => number; readonly bounds: StreamBounds | undefined };

/** Why a stream ended, and what it has sent. */
export type StreamOutcome = { readonly reason: "bounds" | "closed"; readonly events: number; readonly bytes: number; readonly position: number };

/**
 * The leaf from which a stream begins: after `Last-Event-ID`, which counts the leaves that the client has behind it, else at the end of the log as it
 * stands. A position is good on every process, and for ever as far as the log is in Postgres. Throws `invalid_cursor` and `position_archived`, which a
 * stream that has begun could not tell any more.
 */
export async function startOf(feed: SealedFeed, scope: FeedScope, lastEventId: string | undefined, signal: AbortSignal): Promise<number> {
  const size = await feed.size(scope.tenantId);
  if (lastEventId === undefined || lastEventId === "") return size;
  const pointer = "last-event-id";
  if (!/^(0|[1-9]\d{0,14})$/.test(lastEventId)) {
    throw new AuditError(
      "invalid_cursor",
      "resume stream: Last-Event-ID must be the id of what this stream sent last; leave it out to begin at the end of the log",
      { pointer },
    );
  }
  if (Number(lastEventId) > size) {
    throw new AuditError(
      "invalid_cursor",
      "resume stream: the log is shorter than Last-Event-ID says, so it is another one or was rolled back; leave it out to begin at its end",
      { pointer },
    );
  }
  if (Number(lastEventId) < size) await feed.next(scope, Number(lastEventId), signal);
  return Number(lastEventId);
}

/**
 * Server-Sent Events (HTML standard section 9.2) from leaf `start` on, a text for each run of leaves. The first frame tells the position, so that a
 * client that breaks off before the first event resumes where it began; so does every heartbeat, however few events the filter lets pass. Nothing is
 * read before the text before it was taken. Throws what reading or the recheck throws, between two frames.
 */
export async function* streamFrames(parts: StreamParts, request: StreamRequest, start: number): AsyncGenerator<string, StreamOutcome> {
  const { feed, elapsedMs, bounds } = parts;
  const { scope, filter, signal } = request;
  const beganMs = elapsedMs();
  let checkedMs = beganMs;
  let position = start;
  let [events, bytes] = [0, 0];
  let coming: Promise<SealedPage> | undefined;
  yield `retry: ${limits.streamRetryMs}\n${positionFrame(position)}`;
  for (;;) {
    const leftMs = bounds === undefined ? Infinity : beganMs + bounds.ms - elapsedMs();
    const isFull = bounds !== undefined && (events >= bounds.eventsMax || bytes >= bounds.bytesMax);
    if (signal.aborted) return { reason: "closed", events, bytes, position };
    if (leftMs <= 0 || isFull) return { reason: "bounds", events, bytes, position };
    coming ??= feed.next(scope, position, signal);
    const page = await within(coming, Math.min(leftMs, limits.streamHeartbeatMs), signal);
    // Also before what has come is sent: a client that took long to read may have lost its right meanwhile.
    if (!signal.aborted && elapsedMs() - checkedMs >= limits.streamRecheckMs) {
      await request.recheck();
      checkedMs = elapsedMs();
    }
    if (page === undefined) {
      if (!signal.aborted && leftMs > limits.streamHeartbeatMs) yield positionFrame(position);
      continue;
    }
    coming = undefined;
    position = page.next;
    const wanted = page.events.filter(({ event }) => matches(filter, event));
    events += wanted.length;
    const text = wanted.map(eventFrame).join("") + (wanted.at(-1)?.leafIndex === position - 1 ? "" : positionFrame(position));
    bytes += text.length;
    yield text;
  }
}

/** An event as lists give it; `href` is relative to the stream. A position counts the leaves up to and with the event's own. */
function eventFrame({ event, leafHash, leafIndex }: SealedEvent): string {
  const href = `${event.id}?tenant_id=${event.tenant_id}&at=${event.occurred_at}`;
  return `id: ${leafIndex + 1}\ndata: ${JSON.stringify({ ...event, leaf_hash: toHex(leafHash), href })}\n\n`;
}

/** Without data: clients take the position and tell nobody. */
function positionFrame(position: number): string {
  return `id: ${position}\n\n`;
}

/** What `work` gives, or undefined when it takes longer than `ms` or `signal` fires; it goes on then. */
function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = () => settle(() => resolve(undefined));
    const timer = setTimeout(giveUp, Math.max(0, ms));
    const settle = (end: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      end();
    };
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    work.then((value) => settle(() => resolve(value)), (error: unknown) => settle(() => reject(error)));
  });
}

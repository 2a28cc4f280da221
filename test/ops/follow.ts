/** A frame of Server-Sent Events, HTML standard section 9.2.6; `data` is "" in frames that only move the position. */
export type Frame = { readonly id: string; readonly data: string };

export type FollowedEvent = { readonly id: string; readonly occurred_at: string; readonly event_type: string; readonly object_id?: string };
export type Followed = { readonly events: FollowedEvent[]; readonly positions: string[]; connections: number; ended: number };

export type FollowOptions = {
  readonly headers: Readonly<Record<string, string>>;
  readonly from?: string;
  /** After how many bytes a connection is cut, in the middle of whatever stands there; never when undefined. */
  readonly cutAfter?: () => number;
  readonly until: (followed: Followed) => boolean;
  readonly timeoutMs?: number;
};

/** Follows a stream as a client does: resumes after the last position, over connections that end or are cut. */
export async function follow(url: string, options: FollowOptions): Promise<Followed> {
  const followed: Followed = { events: [], positions: [], connections: 0, ended: 0 };
  let position = options.from;
  for (const deadline = Date.now() + (options.timeoutMs ?? 90_000); !options.until(followed);) {
    if (Date.now() > deadline) throw new Error(`follow ${url}: ${followed.events.length} events over ${followed.connections} connections, and no end`);
    followed.connections++;
    const control = new AbortController();
    const cut = options.cutAfter?.() ?? Infinity;
    let bytes = 0;
    try {
      const headers = { ...options.headers, ...position === undefined ? {} : { "last-event-id": position } };
      const signal = AbortSignal.any([control.signal, AbortSignal.timeout(Math.max(1, deadline - Date.now()))]);
      const response = await fetch(url, { headers, signal });
      if (!response.ok) throw new Refused(response.status, await response.text());
      for await (const frame of framesOf(response, (length) => (bytes += length) >= cut)) {
        position = frame.id;
        if (frame.data === "") continue;
        followed.events.push(JSON.parse(frame.data) as FollowedEvent);
        followed.positions.push(frame.id);
        if (options.until(followed)) break;
      }
      followed.ended++;
    } catch (error) {
      const isFinal = error instanceof Refused && error.status < 500 && error.status !== 429;
      if (isFinal) throw error;
      if (error instanceof Refused) await new Promise((resolve) => setTimeout(resolve, 200));
    } finally {
      control.abort();
    }
  }
  return followed;
}

/** An answer that is no stream. */
export class Refused extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`follow: ${status} ${body}`);
    this.status = status;
    this.body = body;
  }
}

/** Whole frames of a response, until it ends or `isCut` says so: what was cut in the middle of a frame is lost with it. */
export async function* framesOf(response: Response, isCut: (bytes: number) => boolean = () => false): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    const wasCut = isCut(chunk.byteLength);
    const kept = wasCut ? chunk.subarray(0, Math.floor(chunk.byteLength / 2)) : chunk;
    const blocks = (text + decoder.decode(kept, { stream: true })).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split("\n");
      const of = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
      yield { id: of("id"), data: of("data") };
    }
    if (wasCut) return;
  }
}

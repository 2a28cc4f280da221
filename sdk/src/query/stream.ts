import { backoffMs } from "../delivery/retry-table.ts";
import { AuditApiError } from "./api-error.ts";
import { type Api, ask, type Parameters, sleep } from "./ask.ts";
import type { StoredEvent } from "./stored-event.ts";

/** An event that came by the stream. */
export type StreamedEvent = {
  /** As it is stored. */
  readonly event: StoredEvent;
  /** Opaque; `after` of a later stream. */
  readonly position: string;
};

/** Silence after which a stream counts as dead: the service sends heartbeats much more often. */
const silenceMs = 60_000;

/**
 * New events as they are sealed, in the order of the log, each once. Connections that end or break are opened again after the last event seen, until
 * the caller stops or the service refuses.
 */
export async function* streamEvents(api: Api, parameters: Parameters, after: string | undefined, signal?: AbortSignal): AsyncGenerator<StreamedEvent> {
  let position = after;
  for (let failures = 0; !signal?.aborted;) {
    const headers = { accept: "text/event-stream", ...(position === undefined ? {} : { "last-event-id": position }) };
    try {
      const response = await ask(api, "/events/stream", parameters, { signal, headers });
      for await (const frame of frames(api, response)) {
        failures = 0;
        if (frame.id !== undefined) position = frame.id;
        if (frame.data !== "") yield { event: JSON.parse(frame.data) as StoredEvent, position: position ?? "" };
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof AuditApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    await sleep(api.runtime, backoffMs(failures++, api.runtime.random(), api), signal).catch(() => undefined);
  }
}

type Frame = { readonly id: string | undefined; readonly data: string };

/** Server-Sent Events of a response, by the rules of the HTML standard section 9.2.6; ends when the connection does or falls silent. */
async function* frames(api: Api, response: Response): AsyncGenerator<Frame> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let frame: { id: string | undefined; data: string[] } = { id: undefined, data: [] };
  try {
    for (;;) {
      const timer = api.runtime.setTimer(() => void reader.cancel().catch(() => undefined), silenceMs, false);
      const { done, value } = await reader.read();
      api.runtime.clearTimer(timer);
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // A lone CR at the end may be half of a CR LF.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [, name, content = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
        if (name === "data") frame.data.push(content);
        else if (name === "id") frame.id = content;
        else if (line === "") {
          if (frame.id !== undefined || frame.data.length > 0) yield { id: frame.id, data: frame.data.join("\n") };
          frame = { id: undefined, data: [] };
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

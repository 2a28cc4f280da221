import { readSettings } from "../../adapters/environment.ts";
import { createApp } from "../../api/app.ts";
import { createParts } from "../../api/parts.ts";
import { limits } from "../../core/limits.ts";

const settings = readSettings(Deno.env.toObject(), ["AUDIT_CURSOR_KEY"]);
const { parts } = createParts(settings, {
  // 2 s of CPU and 150 s of wall clock: an export ends before that, and its cursor goes on.
  exportBounds: { rowsMax: limits.exportEdgeRowsMax, bytesMax: limits.exportEdgeBytesMax, ms: limits.exportEdgeMs },
  streamBounds: { ms: limits.streamEdgeMs, eventsMax: limits.streamEdgeEventsMax, bytesMax: limits.streamEdgeBytesMax },
  stopping: new AbortController().signal,
  waitUntil: typeof EdgeRuntime === "undefined" ? undefined : (work) => EdgeRuntime.waitUntil(work),
  write: console.info,
});
const app = createApp(parts);

/** The path that a function sees starts with its own name. */
const ownName = /^\/audit-api(?=\/|$)/;

export default {
  fetch: (request: Request) => {
    const url = new URL(request.url);
    url.pathname = url.pathname.replace(ownName, "") || "/";
    return app.fetch(new Request(url, request));
  },
};

import { join } from "node:path";
import { type Http2Bindings, type HttpBindings, serve } from "@hono/node-server";
import { readSettings, type Settings, SettingsError } from "../adapters/environment.ts";
import { createApp } from "./app.ts";
import { createPage, isPagePath } from "./page.ts";
import { createParts } from "./parts.ts";

/** How long requests may run on after SIGTERM: less than the ten seconds that containers get. */
const graceMs = 8_000;

const settings = settingsOrExit();
const stopping = new AbortController();
const background = new Set<Promise<unknown>>();
const { parts, close } = createParts(settings, {
  exportBounds: undefined,
  streamBounds: undefined,
  stopping: stopping.signal,
  // A server lives on after an answer; what is still running is waited for when it stops.
  waitUntil: (work) => {
    background.add(work);
    work.finally(() => background.delete(work)).catch(() => undefined);
  },
  write: (line) => void process.stdout.write(`${line}\n`),
});
const app = createApp(parts);
// Absolute: whoever starts the server may stand anywhere.
const page = createPage(
  process.env["AUDIT_PAGE_FOLDER"] ?? join(import.meta.dirname, "..", "web", "dist"),
  JSON.parse(process.env["AUDIT_PAGE_CONFIG"] ?? "{}"),
);
const hostname = process.env["HOST"] ?? "127.0.0.1";
const port = Number(process.env["PORT"] ?? 8000);

const fetch = (request: Request, connection: HttpBindings | Http2Bindings) =>
  isPagePath(new URL(request.url).pathname) ? page.fetch(request) : app.fetch(request, { incoming: connection.incoming });

const server = serve({ fetch, hostname, port }, (address) => {
  parts.log({ level: "info", event: "listening", host: address.address, port: address.port });
});

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop(signal));

/** Whoever forgot a variable reads which one, and not where in our code that was noticed. */
function settingsOrExit(): Settings {
  try {
    return readSettings(process.env, ["AUDIT_CURSOR_KEY"]);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}

/** Takes no more requests, lets those in flight and the records of reads end, then closes the pool. */
async function stop(signal: string): Promise<void> {
  parts.log({ level: "info", event: "stopping", signal });
  stopping.abort();
  const timer = setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), graceMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(timer);
  await Promise.allSettled(background);
  await close();
}

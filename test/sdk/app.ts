import { openSync, writeSync } from "node:fs";
import { createAuditClient } from "../../sdk/src/index.ts";
import { createFileSpool } from "../../sdk/src/spool.ts";
import type { AppSettings } from "./app-settings.ts";

/** An application that logs, as a process of its own for tests to stop and kill. Says in a file which events were taken, and at its end its statistics. */
const { url, apiKey, tenantId, spool, first, count, perSecond, closeTimeoutMs, options, ending } = JSON.parse(
  process.env["AUDIT_TEST_APP"] ?? "{}",
) as AppSettings;

// A file, because a pipe may be full and then refuses what would have to be said before a kill.
const output = openSync(process.env["AUDIT_TEST_OUTPUT"] ?? "/dev/null", "a");
const say = (line: object) => writeSync(output, `${JSON.stringify(line)}\n`);

const client = createAuditClient({
  url,
  apiKey,
  ...tenantId === undefined ? {} : { tenantId },
  ...spool === undefined ? {} : { spool: createFileSpool(spool) },
  onWarning: ({ kind }) => say({ warning: kind }),
  onMetrics: (stats) => say({ stats }),
  metricsIntervalMs: 1e8,
  ...closeTimeoutMs === undefined ? {} : { closeOnExit: { timeoutMs: closeTimeoutMs } },
  ...options,
});

if (ending === "own-handler") process.on("SIGTERM", () => say({ handled: "SIGTERM" }));

let number = first;
while (number < first + count) {
  // A slice of a fiftieth of a second's worth, or all at once.
  const slice = perSecond === undefined ? count : Math.ceil(perSecond / 50);
  const end = Math.min(number + slice, first + count);
  for (; number < end; number++) {
    if (client.logEventFireAndForget({ event_type: "app.event", object_id: String(number) })) say({ taken: number });
  }
  if (perSecond !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
}
say({ logged: count });
// Only an application that serves something stays.
if (ending === "stay" || ending === "own-handler") setInterval(() => {}, 1000);
if (ending === "drain") await client.flush({ timeoutMs: 60_000 });
if (ending === "drain") await client.close();

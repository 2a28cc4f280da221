import type { Metrics } from "./metrics.ts";
import type { Log } from "./ports.ts";

const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const batchBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/** Work behind an answer that failed, by the event that says so. */
const deferredWork = {
  "ingest.async.failed": "batch",
  "access.not_recorded": "access record",
  "key.not_touched": "key use",
  "rates.not_settled": "quota lease",
} as const;
const verdicts = ["created", "duplicate", "rejected", "accepted"] as const;
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** `method` if it is one; any other is the caller's own text, and belongs into neither log nor labels. */
export function methodName(method: string): string {
  return methods.has(method) ? method : "other";
}

/**
 * `log`, with every record counted in `metrics` on its way: the log and the figures are made of the same records, so that they cannot differ. Routes
 * are patterns and codes are ours; what a caller chose becomes no label.
 */
export function counted(log: Log, metrics: Metrics): Log {
  const requests = metrics.counter("audit_http_requests_total", "Requests answered, by route pattern and status.");
  const durations = metrics.histogram("audit_http_request_duration_seconds", "Time until the head of the answer, by route pattern.", durationBounds);
  const events = metrics.counter("audit_ingest_events_total", "Events of batches by verdict; rejected includes conflicts.");
  const batches = metrics.histogram("audit_ingest_batch_events", "Events in a batch.", batchBounds);
  const unlisted = metrics.counter("audit_ingest_unlisted_events_total", "Events that are not as the catalogue has them, let by because it only warns.");
  const deferred = metrics.counter(
    "audit_deferred_failures_total",
    "Work behind an answer that failed: batches after their 202, records of reads, uses of keys, leases of quotas.",
  );
  const faults = metrics.counter("audit_database_faults_total", "Faults of the database, by SQLSTATE or the network's code.");
  const streams = metrics.counter("audit_streams_ended_total", "Streams that ended, by reason.");
  const streamed = metrics.counter("audit_stream_events_total", "Events handed out by streams that have ended.");

  // A series that begins at 1 shows no increase, and the first batch that was lost would alarm nobody.
  for (const work of Object.values(deferredWork)) deferred.add({ work }, 0);
  unlisted.add({}, 0);

  const request = (record: Fields, method: string, route: string, ms: unknown) => {
    const labels = { method: methodName(method), route };
    requests.add({ ...labels, status: String(record["status"]) });
    if (typeof ms === "number") durations.observe(ms / 1000, labels);
  };
  const count = (record: Fields) => {
    switch (record["event"]) {
      case "request":
        return request(record, String(record["method"]), String(record["route"]), record["ms"]);
      case "ingest": {
        request(record, "POST", record["door"] === "edge" ? "/audit-logger" : "/api/v1/audit/events", record["total_ms"]);
        const counts = verdicts.map((verdict) => ({ verdict, count: numberOf(record[`${verdict}_count`]) }));
        for (const { verdict, count } of counts) if (count > 0) events.add({ verdict }, count);
        const unlistedCount = numberOf(record["unlisted_count"]);
        if (unlistedCount > 0) unlisted.add({}, unlistedCount);
        const total = counts.reduce((sum, one) => sum + one.count, 0);
        return total > 0 ? batches.observe(total) : undefined;
      }
      case "ingest.async.failed":
      case "access.not_recorded":
      case "key.not_touched":
      case "rates.not_settled":
        return deferred.add({ work: deferredWork[record["event"]] });
      case "database.fault":
        return faults.add({ code: String(record["sqlstate"] ?? record["network_code"] ?? "unknown") });
      case "database.connection_lost":
        return faults.add({ code: "connection_lost" });
      case "stream.ended":
        streamed.add({}, numberOf(record["events"]));
        return streams.add({ reason: String(record["reason"]) });
    }
  };
  return (record) => {
    log(record);
    count(record);
  };
}

type Fields = { readonly [key: string]: unknown };

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

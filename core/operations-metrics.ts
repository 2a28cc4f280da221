import { limits } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import type { OperationsFigures, OperationsReader } from "./operations.ts";
import { partitionsAhead, sealLagMs } from "./readiness.ts";

export type OperationsMetricsParts = {
  readonly metrics: Metrics;
  readonly operations: OperationsReader;
  readonly openStreams: () => number;
  readonly now: () => Date;
};

/**
 * Brings the gauges up to date; to be called before the text is made. The database is asked at most every few seconds. While it does not answer
 * `audit_database_up` is 0 and the other figures stay as they were last seen.
 */
export function operationsMetrics({ metrics, operations, openStreams, now }: OperationsMetricsParts): () => Promise<void> {
  const show = figureGauges(metrics);
  const up = metrics.gauge("audit_database_up", "1 when the database answered this scrape's question, else 0.");
  const pool = metrics.gauge(
    "audit_database_pool_connections",
    "Connections of this process: in use, idle, the most there may be, and requests that wait for one.",
  );
  const streams = metrics.gauge("audit_streams_open", "Streams that are open in this process.");
  let last: { readonly atMs: number; readonly asked: Promise<OperationsFigures | undefined> } | undefined;
  return async () => {
    const at = now();
    if (last === undefined || Math.abs(at.getTime() - last.atMs) >= limits.figuresSharedMs) {
      last = { atMs: at.getTime(), asked: operations.figures().catch(() => undefined) };
    }
    const figures = await last.asked;
    up.set(figures === undefined ? 0 : 1);
    if (figures !== undefined) show(figures, at);
    else last = undefined;
    const { total, idle, waiting, max } = operations.pool();
    for (const [state, count] of Object.entries({ in_use: total - idle, idle, waiting, max })) pool.set(count, { state });
    streams.set(openStreams());
  };
}

function figureGauges(metrics: Metrics): (figures: OperationsFigures, at: Date) => void {
  const gauge = metrics.gauge;
  const sealLag = gauge("audit_seal_lag_seconds", "How long the first event that is not sealed has been waiting.");
  const unsealed = gauge("audit_unsealed_events", `Events that are not sealed yet; counted up to ${limits.unsealedCountMax}.`);
  const sealProblems = gauge("audit_seal_problems", "Events and trees that were found changed before they were sealed.");
  const checkpoint = gauge("audit_checkpoint_timestamp_seconds", "When the newest checkpoint of any tenant was signed.");
  const sequence = gauge("audit_event_sequence", "Numbers drawn for events so far, through every door: its rate is the rate of ingest.");
  const ahead = gauge("audit_partitions_ahead_days", "Days from today on whose partitions are there without a gap.");
  const hotDays = gauge("audit_hot_days", "Days whose events are in Postgres.");
  const oldestDay = gauge("audit_oldest_hot_day_timestamp_seconds", "Beginning of the oldest day that is in Postgres.");
  const bytes = gauge("audit_events_bytes", "Size of the events in Postgres, indexes included.");
  const rows = gauge("audit_events_rows_estimate", "Events in Postgres as the planner estimates them.");
  const archiveDays = gauge("audit_archive_days", "Days by the state of their archiving: closed, planned, dropped, restored.");
  const archives = gauge("audit_archives", "Archives, one a tenant and day, by state.");
  const archiveBytes = gauge("audit_archive_bytes", "Size of what is archived.");
  const archiveProblems = gauge("audit_archive_problems", "Days, archives and files that could not go on when last tried.");
  const jobSucceeded = gauge("audit_job_success_timestamp_seconds", "When a scheduled job last succeeded.");
  const jobFailures = gauge("audit_job_failures", "Runs of a scheduled job that failed since its last success.");
  return (figures, at) => {
    sealLag.set(sealLagMs(figures, at) / 1000);
    unsealed.set(figures.unsealed);
    sealProblems.set(figures.sealProblems);
    if (figures.checkpointAt !== undefined) checkpoint.set(secondsOf(figures.checkpointAt));
    sequence.set(figures.lastSeq);
    ahead.set(partitionsAhead(figures, at));
    hotDays.set(figures.hotDays.length);
    const [oldest] = figures.hotDays;
    if (oldest !== undefined) oldestDay.set(secondsOf(`${oldest}T00:00:00Z`));
    bytes.set(figures.eventBytes);
    rows.set(figures.eventRows);
    // Every state, so that one which emptied is shown as 0.
    for (const state of ["closed", "planned", "dropped", "restored"]) archiveDays.set(figures.archiveDays[state] ?? 0, { state });
    for (const state of ["open", "ready", "archived", "restored", "expiring", "deleted"]) archives.set(figures.archives[state] ?? 0, { state });
    archiveBytes.set(figures.archiveBytes);
    archiveProblems.set(figures.archiveProblems);
    for (const { job, succeededAt, failures } of figures.jobs) {
      jobFailures.set(failures, { job });
      if (succeededAt !== undefined) jobSucceeded.set(secondsOf(succeededAt), { job });
    }
  };
}

function secondsOf(time: string): number {
  return Date.parse(time) / 1000;
}

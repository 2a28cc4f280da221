import { Cron } from "croner";
import type { DatabaseJobs } from "./run-jobs.ts";

/** A function to call on a schedule, as pg_cron and pg_net do on Supabase; without a URL a job of the database. */
export type Job = { readonly name: string; readonly pattern: string; readonly url?: string };

export type Scheduler = { stop(): Promise<void> };

/** A hosted Edge Function has no longer either. */
const callTimeoutMs = 150_000;

/**
 * Posts to each job's URL with the secret key, at its times, never twice at once. A job that fails is reported once, and once more when it
 * works again: it comes back every few seconds, and the functions log the rest.
 */
export function startScheduler(jobs: readonly Job[], secretKey: string, report: (line: string) => void, database?: DatabaseJobs): Scheduler {
  const stopping = new AbortController();
  const failing = new Set<string>();
  const running = new Set<Promise<void>>();

  const runJob = async (job: Job): Promise<void> => {
    if (job.url === undefined) return await database?.run(job.name);
    const fault = await call(job.url, secretKey, stopping.signal);
    if (stopping.signal.aborted) return;
    await database?.record(job.name, fault);
    if (fault !== undefined && !failing.has(job.name)) report(`${job.name} fails: ${fault}`);
    if (fault === undefined && failing.has(job.name)) report(`${job.name} works again`);
    if (fault === undefined) failing.delete(job.name);
    else failing.add(job.name);
  };
  const crons = jobs.map((job) =>
    new Cron(job.pattern, { protect: true }, async () => {
      const run = runJob(job);
      running.add(run);
      await run;
      running.delete(run);
    })
  );
  return {
    async stop() {
      for (const cron of crons) cron.stop();
      stopping.abort();
      await Promise.allSettled(running);
    },
  };
}

/** What went wrong, or undefined. */
async function call(url: string, secretKey: string, stopping: AbortSignal): Promise<string | undefined> {
  try {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(callTimeoutMs)]);
    const headers = { apikey: secretKey, "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: "{}", signal });
    const body = await response.text();
    return response.ok ? undefined : `it answered ${response.status}: ${body.slice(0, 300)}`;
  } catch (error) {
    return error instanceof Error ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ""}` : String(error);
  }
}

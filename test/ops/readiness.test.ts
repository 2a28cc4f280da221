import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { schemaVersion } from "../../core/schema-version.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { sealAll } from "../api/seal-all.ts";
import { type Service, startService, tenantA } from "../api/service.ts";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { testEnvironment } from "../support/tokens.ts";

type Answer = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: { readonly status: string; readonly checks: Record<string, { readonly status: string; readonly reason?: string }> };
};

describe("schemaVersion", () => {
  it("is the version of the newest migration", () => {
    const newest = readdirSync(join(projectFolder, "migrations")).filter((file) => file.endsWith(".sql")).sort().at(-1);
    expect(newest?.slice(0, 14)).toBe(schemaVersion);
  });
});

describe("GET /readyz", () => {
  let log: TestLog;
  let service: Service;
  let proxy: ChaosProxy;
  let server: ServerProcess;
  let edge: TestFunction;
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    const { hostname, port } = new URL(log.database.url);
    proxy = await startChaosProxy({ host: hostname, port: Number(port) }, 1);
    const environment = { ...testEnvironment(log.database), AUDIT_DATABASE_URL: proxy.through(log.database.url) };
    [server, edge] = await Promise.all([startServer(environment), startFunction("audit-api", { env: environment })]);
    await log.admin.query("select audit_log.ensure_partitions(current_date - 1, current_date + 2)");
  });
  afterAll(async () => {
    await server?.stop();
    await edge?.stop();
    await proxy?.close();
    await service?.stop();
    await log?.close();
  });
  afterEach(() => proxy.heal());

  const ask = async (url: string): Promise<Answer> => {
    const answer = await fetch(`${url}/readyz`);
    return { status: answer.status, retryAfter: answer.headers.get("retry-after"), body: await answer.json() as Answer["body"] };
  };
  /** Asks both processes until what they answer passes: one answer serves all who ask within a second. */
  const eventually = async (expected: (answer: Answer) => void) => {
    for (const url of [server.url, edge.url]) {
      await expect.poll(async () => {
        const answer = await ask(url);
        try {
          expected(answer);
          return "as expected";
        } catch (error) {
          return String(error);
        }
      }, { timeout: 30_000, interval: 200 }).toBe("as expected");
    }
  };
  const isReady = (answer: Answer) => expect(answer).toMatchObject({ status: 200, body: { status: "ready" } });
  const warns = (check: string, reason: RegExp) => ({ status, body }: Answer) => {
    expect({ status, overall: body.status, check: body.checks[check] }).toEqual({
      status: 200,
      overall: "degraded",
      check: { status: "warning", reason: expect.stringMatching(reason) },
    });
  };

  it("is ready when all is well, from the server and the function, and says so of each part", async () => {
    await eventually(isReady);
    expect((await ask(server.url)).body.checks).toEqual({
      database: { status: "ok" },
      migrations: { status: "ok" },
      partitions: { status: "ok" },
      sealing: { status: "ok" },
      jobs: { status: "ok" },
      archiving: { status: "ok" },
      archive: { status: "ok", reason: "none is set" },
    });
  });

  it("tells that the database is down, and that it is back", async () => {
    proxy.set({ refuse: true });
    proxy.cut();
    await eventually((answer) =>
      expect(answer).toMatchObject({
        status: 503,
        retryAfter: "2",
        body: { status: "not_ready", checks: { database: { status: "fault", reason: "it does not answer" } } },
      })
    );
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    proxy.heal();
    await eventually(isReady);
  });

  it("tells that a migration is missing", async () => {
    await log.admin.query("delete from supabase_migrations.schema_migrations where version = $1", [schemaVersion]);
    await eventually((answer) =>
      expect(answer).toMatchObject({
        status: 503,
        body: {
          checks: {
            migrations: { status: "fault", reason: expect.stringMatching(new RegExp(`^the database is at \\d{14}, this version needs ${schemaVersion}$`)) },
          },
        },
      })
    );
    await log.admin.query("insert into supabase_migrations.schema_migrations (version, name) values ($1, 'again')", [schemaVersion]);
    await eventually(isReady);
  });

  it("tells that a partition is missing", async () => {
    const { rows } = await log.admin.query("select to_char(current_date + 1, 'YYYYMMDD') as compact, to_char(current_date + 1, 'YYYY-MM-DD') as day");
    const table = `audit_log.events_${rows[0].compact}`;
    await log.admin.query(`alter table audit_log.events detach partition ${table}`);
    await eventually(warns("partitions", new RegExp(`^the day ${rows[0].day} has no partition yet`)));
    await log.admin.query(`drop table ${table}`);
    await log.admin.query("select audit_log.ensure_partitions(current_date, current_date + 1)");
    await eventually(isReady);
  });

  it("tells that the sealer has stopped", async () => {
    await service.store(tenantA, [{}]);
    // What was stored now was stored five minutes ago, as far as its row can be made to say.
    await log.admin.query("alter table audit_log.events disable trigger all");
    const { rows } = await log.admin.query("select tableoid::regclass as day from audit_log.events limit 1");
    await log.admin.query(`alter table ${rows[0].day} disable trigger all`);
    const moved = async (by: string) => await log.admin.query(`update audit_log.events set received_at = received_at ${by} interval '5 minutes'`);
    await moved("-");
    await eventually(warns("sealing", /^events have been waiting for 3\d\d s to be sealed: the sealer does not run, or cannot keep up$/));
    await moved("+");
    await sealAll(log);
    await eventually(isReady);
    await log.admin.query("insert into audit_log.tree_problems (tenant_id, problem) values ($1, 'secret detail')", [tenantA]);
    await eventually(warns("sealing", /^1 events or trees were changed before they were sealed/));
    expect(JSON.stringify(await ask(server.url))).not.toContain("secret detail");
    await log.admin.query("alter table audit_log.tree_problems disable trigger all");
    await log.admin.query("delete from audit_log.tree_problems");
    await eventually(isReady);
  });

  it("tells that a job has failed, or has not run for long, but not what the database said of it", async () => {
    await log.admin.query("select audit_log.job_ended('partitions', 'canary of a problem'), audit_log.job_ended('clean-up', null)");
    await log.admin.query("select audit_log.job_ended('partitions', 'canary of a problem')");
    await eventually(warns("jobs", /^partitions has failed 2 times in a row, last at \d{4}-.*Z; audit_log.job_outcomes says why$/));
    expect(JSON.stringify(await ask(server.url))).not.toContain("canary");
    await log.admin.query("select audit_log.job_ended('partitions', null)");
    await eventually(isReady);
    await log.admin.query("update audit_log.job_outcomes set succeeded_at = now() - interval '2 hours' where job = 'clean-up'");
    await eventually(warns("jobs", /^clean-up has not run since \d{4}-/));
    await log.admin.query("select audit_log.job_ended('clean-up', null)");
    await eventually(isReady);
  });

  it("tells that the archive cannot be read", async () => {
    const other = await startServer({ ...testEnvironment(log.database), SUPABASE_URL: "http://127.0.0.1:1", AUDIT_ARCHIVE_URL: "supabase:nowhere" });
    expect((await ask(other.url)).body).toMatchObject({ status: "degraded", checks: { archive: { status: "warning", reason: "the store cannot be read" } } });
    await other.stop();
  });

  it("tells that archiving cannot go on", async () => {
    await log.admin.query("insert into audit_log.archive_days (day, problem, problem_at) values ('2020-01-01', 'canary', now())");
    await eventually(warns("archiving", /^1 days, archives or files could not go on/));
    await log.admin.query("delete from audit_log.archive_days").catch(() => log.admin.query("update audit_log.archive_days set problem = null"));
    await eventually(isReady);
  });
});

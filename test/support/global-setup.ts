import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { birthOf, endLeftovers, openProcessRecord } from "../../scripts/stack/process-record.ts";
import { type Cluster, startCluster, type TemplateName } from "./cluster.ts";
import { reportLeaks } from "./report-leaks.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `GET <clusterUrl>/<major>/<template>` → where to log in and what to clone. */
    clusterUrl: string;
    /** A folder of this run, for caches that its tests may share. */
    runFolder: string;
  }
}

const folderPrefix = "audit-events-test-";

/**
 * Once per run of vitest. A cluster starts when the first test asks for a database, so that a run without one does not pay for it; tests run in
 * other processes and ask over HTTP.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandonedRuns();
  const runFolder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-${process.env["AUDIT_TEST_RUN"] ?? ""}-`));
  // PostgreSQL's account, when we are root, must be able to walk through.
  chmodSync(runFolder, 0o711);
  const record = openProcessRecord(join(runFolder, "processes.json"));
  const clusters = new Map<PostgresMajor, Promise<Cluster>>();
  const clusterOf = (major: PostgresMajor) => {
    const running = clusters.get(major) ?? startCluster(major, runFolder, record);
    clusters.set(major, running);
    return running;
  };
  const server = createServer((request, response) => {
    const [, major = "", template = ""] = (request.url ?? "").split("/");
    clusterOf(Number(major) as PostgresMajor).then((cluster) => cluster.template(template as TemplateName)).then(
      (answer) => response.end(JSON.stringify(answer)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("serve clusters: the server has no port");
  project.provide("clusterUrl", `http://127.0.0.1:${address.port}`);
  project.provide("runFolder", runFolder);
  return async () => {
    server.closeAllConnections();
    server.close();
    await Promise.allSettled([...clusters.values()].map(async (cluster) => (await cluster).stop()));
    try {
      reportLeaks(runFolder);
    } finally {
      rmSync(runFolder, { recursive: true, force: true });
    }
  };
}

/** A run that was killed with `kill -9` leaves its cluster running: the next run ends it. */
async function removeAbandonedRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(folderPrefix))) {
    const pid = Number(name.slice(folderPrefix.length).split("-")[0]);
    if (birthOf(pid) !== undefined) continue;
    const folder = join(tmpdir(), name);
    try {
      await endLeftovers(join(folder, "processes.json"));
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another account's run: not ours to end.
    }
  }
}

import type { TestLog } from "../support/sealed-log.ts";

/** Seals until nothing is left: one turn waits for whatever transaction runs in the cluster, also another test's, and gives up after a while. */
export async function sealAll(log: TestLog): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    await log.seal();
    const { rows } = await log.admin.query("select not exists (select from audit_log.events where seq > (select sealed_seq from audit_log.sealer)) as done");
    if (rows[0].done) return;
  }
  throw new Error("seal all: some transaction has been running for 60 s");
}

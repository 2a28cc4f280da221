import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { startOwnPostgres } from "../support/postgres-process.ts";
import { openDoor } from "./door.ts";
import { expectFlawless, judgeLoad, recoveryMs, recoveryMsMax, startTestLoad, until } from "./load.ts";

/** A file system of its own, small enough to be filled; undefined where this machine does not let us mount one. */
function mountSmall(mebibytes: number): { readonly folder: string; unmount(): void } | undefined {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0711`, "tmpfs", folder]);
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    unmount() {
      spawnSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const probe = mountSmall(1);
probe?.unmount();
if (probe === undefined) {
  process.stdout.write("SKIPPED: a full disk needs a small file system of its own, and mounting is not allowed here: run the tests as root\n");
}
const settings = { shared_buffers: "16MB", max_wal_size: "48MB", min_wal_size: "32MB", wal_keep_size: "0", autovacuum: "off", checkpoint_timeout: "30s" };

describe.skipIf(probe === undefined)("a full disk under PostgreSQL", () => {
  it("ends in 503 and never in a false acknowledgement, and ingest resumes when there is room", async () => {
    const { folder, unmount } = mountSmall(160) ?? expect.fail("the small file system cannot be mounted any more");
    const filler = join(folder, "filler");
    const postgres = await startOwnPostgres({ folder: join(folder, "data"), settings });
    try {
      const door = await openDoor({ database: postgres });
      try {
        const run = startTestLoad([door.url], seedFor("disk full"), { giveUpAfterMs: 90_000 });
        for (let round = 0; round < 2; round++) {
          const acknowledged = run.load.counts.acknowledged;
          await until("two thousand more events are stored", () => run.load.counts.acknowledged >= acknowledged + 2_000);
          fillUp(folder, filler);
          const fullMs = performance.now();
          // Without room for WAL the server gives up altogether, as it should: what cannot be written cannot be acknowledged.
          await until("clients are refused", () => run.load.requests.some((request) => request.atMs > fullMs + 500 && request.status === 503));
          expect(run.load.requests.filter((request) => request.status === 500)).toEqual([]);
          rmSync(filler);
          if (!postgres.running()) await postgres.start();
          const roomMs = performance.now();
          await until("ingest resumes", () => recoveryMs(run.load, roomMs) < Infinity);
          console.info(`disk full ${round + 1}: first success ${recoveryMs(run.load, roomMs).toFixed(0)} ms after there was room`);
          expect(recoveryMs(run.load, roomMs)).toBeLessThan(recoveryMsMax);
        }
        await run.load.stop();
        expectFlawless(await judgeLoad("disk full", run, postgres.adminUrl), run.load);
        expect(postgres.log()).toContain("No space left on device");
      } finally {
        await door.close();
      }
    } finally {
      await postgres.remove();
      unmount();
    }
  });
});

/** Leaves no block free. */
function fillUp(folder: string, file: string): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(file, Buffer.alloc(bsize));
  for (let free = bavail; free > 1;) {
    const bytes = Buffer.alloc(Math.min(free - 1, 256) * bsize);
    try {
      writeFileSync(file, bytes, { flag: "a" });
    } catch {
      return;
    }
    free = statfsSync(folder).bavail;
  }
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archive } from "../../core/archive.ts";
import { runCommand } from "../command/run-command.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { archiveAll, archiverOf, bounds, eventsOf, oldDay, tenantIds } from "./archived-log.ts";
import { everything } from "./everything.ts";

const [tenantId] = tenantIds;

describe("archive(), of days that an import touched", () => {
  let log: TestLog;
  let folder: string;
  let imports = 0;
  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    await log.ingest(eventsOf(oldDay, 40));
    await log.ingest(eventsOf("2026-03-02", 40, 2));
    await log.seal();
  });
  afterAll(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const importInto = async (day: string, count: number) => {
    const source = join(folder, `old-${++imports}.ndjson`);
    const lines = Array.from(
      { length: count },
      (_, at) => JSON.stringify({ event_type: "order.paid", timestamp: `${day}T10:00:0${at}Z`, line: `${imports}/${at}` }),
    );
    writeFileSync(source, lines.join("\n"));
    const { out } = await runCommand(["import", source, "--tenant", tenantId, "--database", log.database.url, "--json"]);
    return JSON.parse(out).counts as { readonly created: number; readonly refused: number };
  };
  /** As if the last import were so much longer ago. */
  const passed = (time: string) => log.admin.query("update audit_log.imported_days set imported_at = imported_at - $1::interval", [time]);
  const days = async () =>
    (await log.admin.query("select day::text, state, rows::int from audit_log.archive_days order by day")).rows.map((
      { day, state, rows },
    ) => [day, state, rows]);

  it("waits for 24 hours after the last one, takes what came meanwhile, and refuses what comes after", async () => {
    const archiver = archiverOf(log, folder);
    expect(await importInto(oldDay, 5)).toMatchObject({ created: 5, refused: 0 });
    await log.seal();
    // The day beside it, which nothing was imported into, does not wait.
    await archiveAll(archiver);
    expect(await days()).toEqual([["2026-03-02", "dropped", 40]]);

    const list = (...args: readonly string[]) => runCommand(["archive", "list", "--database", log.database.url, ...args]);
    expect((await list()).out).toMatch(new RegExp(`^${oldDay} stays open for the import that went into it, until \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC`, "m"));
    expect(JSON.parse((await list("--from", "2026-03-02", "--json")).out)).toMatchObject({ archives: [{}, {}], kept_open: [] });

    await passed("23 hours 59 minutes");
    expect(await archive(archiver, bounds)).toMatchObject({ closed: [] });
    expect(await importInto(oldDay, 3)).toMatchObject({ created: 3, refused: 0 });
    await log.seal();
    // The second import began the 24 hours anew.
    await passed("1 minute");
    expect(await archive(archiver, bounds)).toMatchObject({ closed: [] });
    const all = await everything(log, archiver.archive);

    await passed("23 hours 59 minutes");
    await archiveAll(archiver);
    expect(await days()).toEqual([[oldDay, "dropped", 48], ["2026-03-02", "dropped", 40]]);
    expect(await everything(log, archiver.archive)).toEqual(all);
    expect(JSON.parse((await list("--json")).out).kept_open).toEqual([]);
    expect(await importInto(oldDay, 2)).toMatchObject({ created: 0, refused: 2 });
    expect(await everything(log, archiver.archive)).toHaveLength(all.length);
  });
});

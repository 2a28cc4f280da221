import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { csvHeader, csvRows } from "../../core/format/csv.ts";
import type { ImportItem } from "../../core/import.ts";
import { openFiles } from "../../scripts/audit/import/files.ts";
import { createMapper } from "../../scripts/audit/import/mapping.ts";
import { openRefusals } from "../../scripts/audit/import/refusals.ts";
import { reportText } from "../../scripts/audit/import/report.ts";
import { watchDays } from "../../scripts/audit/import/watch-days.ts";
import { noCounts } from "../../core/import.ts";

const folder = mkdtempSync(join(tmpdir(), "audit-odd-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const file = (ending: string, content: string | Uint8Array) => {
  const path = join(folder, `odd-${++files}.${ending}`);
  writeFileSync(path, content);
  return path;
};
const itemsOf = async (path: string): Promise<readonly ImportItem[]> => {
  const source = await openFiles(path, undefined, createMapper(new Map()));
  const items: ImportItem[] = [];
  for await (const item of source.items(undefined)) items.push(item);
  return items;
};
const eventsOf = async (path: string) => (await itemsOf(path)).map((item) => "event" in item ? item.event : item.errors);

describe("openFiles()", () => {
  it.each([[";", "csv"], ["\t", "csv"], ["\t", "tsv"], [",", "csv"]])(
    "reads fields divided by %j in a file .%s, as spreadsheets write them",
    async (mark, ending) => {
      const quoted = `"a${mark}b"`;
      const path = file(ending, `"timestamp"${mark}event_type${mark}message\n2026-01-01T10:00:00Z${mark}order.paid${mark}${quoted}\n`);
      expect(await eventsOf(path)).toMatchObject([{ event_type: "order.paid", message: `a${mark}b` }]);
    },
  );

  it("takes a comma for what divides fields wherever the first line has one", async () => {
    expect(await eventsOf(file("csv", "event_type,note;s\norder.paid,x\n"))).toMatchObject([{ event_type: "order.paid", context: { "note;s": "x" } }]);
  });

  it("takes from an export of ours the guards, and nothing of what has none: its context is JSON", async () => {
    const event = { tenant_id: "t", occurred_at: "2026-01-01T10:00:00.000Z", id: "i", received_at: "2026-01-01T10:00:00.000Z", principal: "key:a" } as const;
    const told = { event_type: "job.run", result: "success", message: "sort -t';' -k2;=1", context: { command: "sort -t';' -k2;=1" } } as const;
    const rows = csvRows([{ event: { ...event, ...told }, leafHash: new Uint8Array(32), logIndex: 1 }]);
    expect(await eventsOf(file("csv", csvHeader() + rows))).toMatchObject([told]);
  });

  const trail = (records: readonly object[]) => JSON.stringify({ Records: records });
  const record = {
    eventID: "11111111-1111-4111-8111-111111111111",
    eventTime: "2026-01-01T10:00:00Z",
    eventSource: "s3.amazonaws.com",
    eventName: "GetObject",
  };

  it("takes CloudTrail's folders as S3 holds them, a folder a day, and leaves its digests out", async () => {
    const top = join(folder, "AWSLogs");
    for (const [path, records] of [["1/CloudTrail/eu/2026/01/01/b.json", [record]], ["1/CloudTrail/eu/2026/01/02/a.json.gz", [record]]] as const) {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), path.endsWith(".gz") ? gzipSync(trail(records)) : trail(records));
    }
    mkdirSync(join(top, "1/CloudTrail-Digest/eu"), { recursive: true });
    writeFileSync(join(top, "1/CloudTrail-Digest/eu/d.json.gz"), gzipSync('{"digestEndTime": "2026-01-01T00:00:00Z"}'));
    expect((await itemsOf(top)).map(({ label }) => label)).toEqual(["b.json record 1", "a.json.gz record 1"]);
  });

  it("is not thrown off by what no CloudTrail record holds", async () => {
    const odd = [{ sourceIPAddress: 5 }, { sourceIPAddress: {} }, { userIdentity: 7 }, { resources: "x" }, { resources: [null] }, {
      userIdentity: { arn: [] },
    }];
    const items = await itemsOf(
      file("json", trail([...odd.map((fields) => ({ ...record, ...fields })), null, 5, [], { ...record, eventTime: "soon" }] as object[])),
    );
    expect(items.map((item) => "event" in item)).toEqual([...odd.map(() => true), false, false, false, false]);
  });

  it("says of a packed file that was cut, or is not packed, which one it is and what to do", async () => {
    const packed = gzipSync('{"event_type":"order.paid"}\n'.repeat(100));
    for (const content of [packed.subarray(0, packed.length - 12), "event_type\norder.paid\n"]) {
      const path = file("csv.gz", content);
      await expect(itemsOf(path)).rejects.toMatchObject({
        code: "broken_gzip",
        message: expect.stringContaining(path),
        hint: expect.stringContaining("fetch it again"),
      });
    }
  });
});

describe("the report of an import", () => {
  const report = {
    status: "imported",
    import_id: "",
    source: "old public.audit_events",
    format: "audit_events",
    counts: { ...noCounts, refused: 1 },
    days: { first: undefined, last: undefined, count: 0 },
    columns: [],
    refused: [],
  } as const;

  it("says how records of a table that were refused are read again", () => {
    expect(reportText(report)).toContain("--again reads them once more");
    expect(reportText({ ...report, counts: noCounts })).not.toContain("--again");
    // A file that was mended is another file.
    expect(reportText({ ...report, format: "csv" })).not.toContain("--again");
  });

  it("tells a record without a tenant what its operator can do about it", () => {
    const refusals = openRefusals(undefined);
    const error = { code: "tenant_required", pointer: "/tenant_id", message: "tenant_id is required: this credential has several tenants" } as const;
    refusals.add([{ item: { place: "1", label: "line 1", event: {} }, errors: [error] }]);
    expect(refusals.first()).toEqual([{ place: "line 1", errors: [{ ...error, message: "the record names no tenant: say whose it is with --tenant" }] }]);
  });

  it("counts no day of a time that is none", async () => {
    const days = watchDays();
    const items = ["2026-01-02T23:59:59.999-01:00", "02/01/2026", "2026", ""].map((occurred_at) => ({ place: "", label: "", event: { occurred_at } }));
    for await (
      const _ of days.watch((async function* () {
        yield* items;
      })())
    ) { /* only watched */ }
    expect(days.summary()).toEqual({ first: "2026-01-03", last: "2026-01-03", count: 1 });
  });
});

import { describe, expect, it } from "vitest";
import type { Api, Parameters } from "../api.ts";
import { exportFiles, type ExportFormat, type ExportProgress } from "./export-file.ts";

/** An API that hands out `parts`, as an Edge Function does: each but the last says that it is not complete, and where to go on. */
function inParts(parts: readonly string[], asked: Parameters[] = []): Api {
  const open: Api["open"] = (_path, parameters = {}) => {
    asked.push(parameters);
    const place = Number(parameters["cursor"] ?? 0);
    const headers = new Headers({ "content-disposition": 'attachment; filename="events.csv"', "content-type": "text/csv" });
    if (place < parts.length - 1) {
      headers.set("audit-export-complete", "false");
      headers.set("link", `<?format=csv&cursor=${place + 1}>; rel="next"`);
    }
    return Promise.resolve(new Response(parts[place], { headers }));
  };
  const never = () => Promise.reject(new Error("not asked for"));
  return { open, get: never, send: never };
}

const exported = async (api: Api, format: ExportFormat) => {
  const progress: ExportProgress[] = [];
  const files = await exportFiles(api, { q: "a" }, format, (step) => progress.push(step), new AbortController().signal);
  return { names: files.map(({ name }) => name), texts: await Promise.all(files.map(({ blob }) => blob.text())), last: progress.at(-1) };
};

describe("exportFiles()", () => {
  it("joins the parts of a CSV export under one head, and counts rows, not lines", async () => {
    const asked: Parameters[] = [];
    const { names, texts, last } = await exported(inParts(['"a","b"\r\n"1","x\r\ny"\r\n', '"a","b"\r\n"2","z"\r\n'], asked), "csv");
    expect(names).toEqual(["events.csv"]);
    expect(texts).toEqual(['"a","b"\r\n"1","x\r\ny"\r\n"2","z"\r\n']);
    expect(asked).toEqual([{ q: "a", format: "csv", cursor: undefined }, { q: "a", format: "csv", cursor: "1" }]);
    expect(last).toEqual({ bytes: 39, rows: 2 });
  });

  it("keeps every byte of a file that is larger than what is held at once", async () => {
    const line = `${"x".repeat(99_998)}\r\n`;
    const { texts, last } = await exported(inParts([`a\r\n${line.repeat(210)}`]), "csv");
    expect(texts[0] === `a\r\n${line.repeat(210)}`).toBe(true);
    expect(last).toEqual({ bytes: 21_000_003, rows: 210 });
  });

  it("hands out nothing of an export that was ended at its last byte", async () => {
    const end = new AbortController();
    await expect(exportFiles(inParts(["a\r\n1\r\n"]), {}, "csv", () => end.abort(), end.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("keeps the description of each part of an NDJSON export", async () => {
    const { texts, last } = await exported(inParts(['{"id":1}\n{"audit_events_export":{}}\n', '{"id":2}\n{"audit_events_export":{}}\n']), "ndjson");
    expect(texts[0]?.split("\n")).toHaveLength(5);
    expect(last?.rows).toBe(2);
  });

  it("hands out each part of a Parquet export as a file of its own", async () => {
    const api = inParts(["PAR1a", "PAR1b"]);
    const named: Api = {
      ...api,
      open: async (...args) => {
        const answer = await api.open(...args);
        answer.headers.set("content-disposition", 'attachment; filename="events.parquet"');
        return answer;
      },
    };
    const { names, texts } = await exported(named, "parquet");
    expect(names).toEqual(["events.part-1.parquet", "events.part-2.parquet"]);
    expect(texts).toEqual(["PAR1a", "PAR1b"]);
  });
});

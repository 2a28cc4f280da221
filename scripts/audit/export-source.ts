import { createReadStream } from "node:fs";
import { type ExportLine, verifyExport } from "../../verify/export.ts";
import { parseJson } from "../../verify/json.ts";
import type { VerifyOptions } from "../../verify/log.ts";
import type { LogReport } from "../../verify/report.ts";

/** An exported log: what it says of its keys, and a way to verify it. The file is read twice, so that it may be larger than memory. */
export type ExportedLog = {
  readonly keys: readonly string[];
  readonly rotations: readonly string[];
  verify(options: VerifyOptions): Promise<LogReport>;
};

export async function readExport(file: string): Promise<ExportedLog> {
  const keys: string[] = [];
  const rotations: string[] = [];
  const checkpoints: string[] = [];
  for await (const line of linesOf(file)) {
    if (typeof line["key"] === "string") keys.push(line["key"]);
    if (typeof line["rotation"] === "string") rotations.push(line["rotation"]);
    if (typeof line["checkpoint"] === "string") checkpoints.push(line["checkpoint"]);
  }
  return { keys, rotations, verify: (options) => verifyExport(linesOf(file), checkpoints, options) };
}

async function* linesOf(file: string): AsyncGenerator<ExportLine> {
  let number = 0;
  for await (const text of textLines(file)) {
    number++;
    if (text === "") continue;
    try {
      yield parseJson(text) as ExportLine;
    } catch {
      throw new Error(`read export: line ${number}: is not JSON; only exports as NDJSON can be checked`);
    }
  }
}

/** Lines end with a line feed alone: node:readline would also cut at U+2028, which JSON may hold in a string. */
async function* textLines(file: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(file, { encoding: "utf8" })) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
  yield rest;
}

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type ExportLine, verifyExport } from "../../verify/export.ts";
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
    if ("key" in line) keys.push(line.key);
    if ("rotation" in line) rotations.push(line.rotation);
    if ("checkpoint" in line) checkpoints.push(line.checkpoint);
  }
  return { keys, rotations, verify: (options) => verifyExport(linesOf(file), checkpoints, options) };
}

async function* linesOf(file: string): AsyncGenerator<ExportLine> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (text === "") continue;
    try {
      yield JSON.parse(text);
    } catch {
      throw new Error(`read export: line ${number}: is not JSON`);
    }
  }
}

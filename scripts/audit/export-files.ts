import { once } from "node:events";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join, parse } from "node:path";
import { CommandError } from "./failure.ts";

/** Where an export goes: `keep` when all of it is whole, says what it is called; `discard` otherwise, says what has become of it. */
export type ExportSink = {
  readonly write: (bytes: Uint8Array) => void | Promise<void>;
  readonly next: () => void;
  readonly keep: () => readonly string[];
  readonly discard: () => string;
};

/** What stands for standard output where a file is named. */
export const standardOutput = "-";

/**
 * Standard output as an export's place, until `signal` aborts. What was printed cannot be taken back: only the exit code tells that it is not whole. A
 * reader that went away ends the process where standard output's errors do.
 */
export function openStandardOutput(signal: AbortSignal): ExportSink {
  return {
    // At the reader's pace: a log is larger than memory. A reader may stand still, so that only the signal ends the wait.
    write: async (bytes) => {
      if (!process.stdout.write(bytes)) await once(process.stdout, "drain", { signal });
    },
    next: () => {},
    keep: () => ["standard output"],
    discard: () => "what was printed is not whole",
  };
}

/** The files of an export. They have another name until all of them are whole, so that a cut one is never taken for an export. */
export function openExportFiles(out: string): ExportSink {
  const finished: string[] = [];
  let name = out;
  let handle = begin(name);
  const end = () => {
    fsyncSync(handle);
    closeSync(handle);
    finished.push(name);
  };
  return {
    write: (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
    },
    /** Goes on in a second, third, … file beside the first. */
    next: (): void => {
      end();
      const { dir, name: stem, ext } = parse(out);
      name = join(dir, `${stem}-${finished.length + 1}${ext}`);
      handle = begin(name);
    },
    /** Gives the files their names, and returns these. */
    keep: (): readonly string[] => {
      end();
      for (const file of finished) renameSync(draftOf(file), file);
      return finished;
    },
    discard: (): string => {
      for (const file of [...finished, name]) rmSync(draftOf(file), { force: true });
      return "nothing was kept";
    },
  };
}

function begin(file: string): number {
  if (existsSync(file)) throw new CommandError("file_eexist", `write export: ${file} is there already`, "choose another name: nothing is overwritten");
  return openSync(draftOf(file), "w", 0o600);
}

function draftOf(file: string): string {
  return `${file}.part`;
}

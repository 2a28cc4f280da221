import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/** A part's log; the one before it is kept as `<file>.1`. */
export type LogFile = { write(text: string): void; close(): void };

const bytesMax = 16 * 1024 * 1024;

/** Appends to `file`, and starts it anew when it has grown to 16 MiB: a stack that runs for months must not fill the disk with its own chatter. */
export function openLogFile(file: string): LogFile {
  let handle = openSync(file, "a", 0o600);
  let bytes = fstatSync(handle).size;
  return {
    write(text) {
      if (bytes > bytesMax) {
        closeSync(handle);
        renameSync(file, `${file}.1`);
        handle = openSync(file, "a", 0o600);
        bytes = 0;
      }
      bytes += writeSync(handle, text);
    },
    close: () => closeSync(handle),
  };
}

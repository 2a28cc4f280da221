import type { Log } from "../core/ports.ts";

/** A log that hands `write` one line of JSON a record, with the time first. `write` is the console's: Supabase collects nothing else. */
export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  return (record) => write(JSON.stringify({ time: now().toISOString(), ...record }));
}

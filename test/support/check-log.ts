import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { nativeHash } from "../../scripts/audit/native-hash.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import type { LogReport } from "../../verify/report.ts";
import { firstKey } from "./sealed-log.ts";

/** What the independent checker says of the log in a database, trusting `key` and nothing that the database says of keys. */
export async function checkDatabase(url: string, expected: readonly string[] = [], key = firstKey.verifierKey): Promise<LogReport> {
  const source = await openDatabaseLog(url);
  try {
    return await verifyLog(source, { ring: await followRotations([key], source.rotations), expected, hash: nativeHash });
  } finally {
    await source.close();
  }
}

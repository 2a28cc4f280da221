import type { Credentials } from "./credentials.ts";
import { writePrivateFile } from "./private-file.ts";

/** Writes `<data>/local.json`: all that a person or a program on this machine needs in order to use the stack. */
export function writeLocalFile(file: string, url: string, databaseUrl: string, credentials: Credentials): void {
  const local = {
    url,
    functions_url: `${url}/functions/v1`,
    api_url: `${url}/api/v1/audit`,
    database_url: databaseUrl,
    secret_key: credentials.secretKey,
    anon_key: credentials.publishableKey,
    log_key: credentials.verifierKey,
    tenants: credentials.tenants,
  };
  writePrivateFile(file, JSON.stringify(local, null, 2));
}

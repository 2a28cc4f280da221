import { join } from "node:path";
import { type Credentials, publicKeySet, tokenIssuer } from "./credentials.ts";

/** Names that a developer's shell may hold for another purpose: the stack must never write to the database that they name. */
const notInherited = ["AUDIT_DATABASE_URL"];

/**
 * What the functions and the API see: Supabase's own names as hosted, and ours. Settings of the developer's shell that start with AUDIT_ win,
 * so that `AUDIT_HOT_DAYS=2 npm start` does what it says.
 */
export function partEnvironment(
  url: string,
  databaseUrl: string,
  dataFolder: string,
  credentials: Credentials,
  shell: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const chosen = Object.entries(shell).filter((entry): entry is [string, string] =>
    /^AUDIT_(?!TEST_)/.test(entry[0]) && !notInherited.includes(entry[0]) && entry[1] !== undefined
  );
  return {
    SUPABASE_URL: url,
    SUPABASE_DB_URL: databaseUrl,
    SUPABASE_JWKS: JSON.stringify(publicKeySet(credentials)),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: credentials.secretKey }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: credentials.publishableKey }),
    AUDIT_DATABASE_URL: databaseUrl,
    AUDIT_JWT_ISSUER: tokenIssuer,
    AUDIT_ARCHIVE_URL: `file:${join(dataFolder, "archive")}`,
    AUDIT_SIGNING_KEY: credentials.signingKey,
    AUDIT_CURSOR_KEY: credentials.cursorKey,
    AUDIT_LOG_ORIGIN: credentials.logOrigin,
    TZ: "UTC",
    ...Object.fromEntries(chosen),
  };
}

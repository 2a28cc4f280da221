import type { Caller } from "../../core/caller.ts";
import { equalDigests, sha256OfText } from "../sha256.ts";

/** Finds the name of a presented key, or undefined. */
export type ProjectKeys = (presented: string) => string | undefined;

/**
 * The project's own keys by name: `sb_secret_…`, `sb_publishable_…` and the legacy JWTs, which are compared as text and never decoded. Digests are
 * compared, every one of them, so that the time tells neither how much of a key was right nor which one it was.
 */
export function projectKeys(keys: ReadonlyMap<string, string>): ProjectKeys {
  const digests = Array.from(keys, ([name, key]) => ({ name, digest: sha256OfText(key) }));
  return (presented) => {
    const digest = sha256OfText(presented);
    let found: string | undefined;
    for (const known of digests) {
      if (equalDigests(known.digest, digest)) found = known.name;
    }
    return found;
  };
}

/** The caller behind secret key `name`: a server of the project, which may post for any tenant and read nothing. */
export function secretCaller(name: string): Caller {
  return {
    kind: "secret",
    principal: `secret:${name}`,
    tenants: "any",
    scopes: new Set(["ingest"]),
    claims: { sub: `secret:${name}`, role: "service_role" },
  };
}

/** The caller behind a publishable key once the operator has opened a tenant to everybody: it may post there and do nothing else. */
export function anonCaller(tenantId: string): Caller {
  return {
    kind: "anon",
    principal: "anon",
    tenants: [tenantId],
    scopes: new Set(["ingest"]),
    claims: { role: "anon" },
  };
}

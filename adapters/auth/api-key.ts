import { parseApiKey } from "../../core/api-key.ts";
import type { Caller, Scope } from "../../core/caller.ts";
import { faultRecord } from "../../core/fault-record.ts";
import { limits } from "../../core/limits.ts";
import type { KeyStore, Log } from "../../core/ports.ts";
import { sha256OfText } from "../sha256.ts";
import { unauthenticated } from "./credentials.ts";
import { expiringCache } from "./expiring-cache.ts";
import { readRoleOf, scopesOf } from "./read-role.ts";

/** Turns an API key of ours into a caller; throws `unauthenticated` or `unavailable`. */
export type ApiKeys = (key: string) => Promise<Caller>;

type Found = NonNullable<Awaited<ReturnType<KeyStore["find"]>>>;

/** How keys are looked up. `cacheMs` is how long an answer of the store is believed. */
export type ApiKeyParts = {
  readonly store: KeyStore;
  readonly now: () => Date;
  readonly cacheMs?: number | undefined;
  readonly log?: Log | undefined;
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
};

/**
 * API keys as `store` knows them. The checksum is compared first, so that a mistyped key costs no query. What the store says is believed for
 * `cacheMs`, also that there is no such key; the two are kept apart so that guesses cannot push good keys out. Unknown, expired and revoked keys
 * get one answer: it must not tell that a key ever existed.
 */
export function apiKeys({ store, now, cacheMs = limits.keyCacheMs, log, waitUntil }: ApiKeyParts): ApiKeys {
  const known = expiringCache<Found>(limits.keyCacheEntriesMax, cacheMs, now);
  const unknown = expiringCache<"unknown">(limits.keyCacheEntriesMax, cacheMs, now);
  const touched = expiringCache<true>(limits.keyCacheEntriesMax, limits.keyTouchMs, now);
  const asking = new Map<string, Promise<Found | undefined>>();

  const ask = async (name: string, hash: Uint8Array): Promise<Found | undefined> => {
    // What is remembered is as old as the question, not as the answer: a key revoked in between must not live longer.
    const askedAt = now();
    const found = await store.find(hash);
    if (found === undefined) unknown.set(name, "unknown", askedAt);
    else known.set(name, found, askedAt);
    return found;
  };
  const find = async (hash: Uint8Array): Promise<Found | undefined> => {
    const name = String.fromCharCode(...hash);
    const cached = known.get(name) ?? unknown.get(name);
    if (cached !== undefined) return cached === "unknown" ? undefined : cached;
    let answer = asking.get(name);
    if (answer === undefined) {
      answer = ask(name, hash).finally(() => asking.delete(name));
      asking.set(name, answer);
    }
    return await answer;
  };
  /** Notes the use of a key at most once a minute, beside the request: nobody is refused because it could not be noted. */
  const touch = (id: string): void => {
    if (touched.get(id) !== undefined) return;
    const usedAt = now();
    touched.set(id, true, usedAt);
    const work = store.touch(id, usedAt).catch((error: unknown) => log?.({ level: "warn", event: "key.not_touched", key: id, ...faultRecord(error) }));
    waitUntil?.(work);
  };
  return async (key) => {
    const found = parseApiKey(key) === undefined ? undefined : await find(sha256OfText(key));
    if (found === undefined || found.revoked || isPast(found.expiresAt, now())) {
      throw unauthenticated("API key is not valid: it is mistyped, revoked or has expired; send another");
    }
    touch(found.id);
    return callerOf(found);
  };
}

function isPast(time: string | undefined, now: Date): boolean {
  // Written so that a time nobody can read has passed.
  return time !== undefined && !(Date.parse(time) > now.getTime());
}

/** The key as a caller, with claims like a user's: row-level security sees one kind of caller. */
function callerOf(key: Found): Caller {
  const principal = `key:${key.id}`;
  const role = readRoleOf(key.scopes);
  const ingest: readonly Scope[] = key.scopes.includes("ingest") ? ["ingest"] : [];
  return {
    kind: "key",
    principal,
    tenants: [key.tenantId],
    scopes: new Set([...ingest, ...scopesOf(role)]),
    claims: { sub: principal, role: "authenticated", app_metadata: { tenant_ids: [key.tenantId], ...role === undefined ? {} : { audit_role: role } } },
  };
}

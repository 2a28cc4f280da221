import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

/**
 * The public keys at `url`, RFC 7517, fetched when the first token comes. A set is fresh for `jwksFreshMs`; an unknown key id asks again, but never
 * twice within `jwksRefetchMs`. While the auth server is away the last set serves for `jwksStaleMs`; after that, and when there never was one,
 * getting a key throws `unavailable`: nobody can tell whether the token is good.
 */
export function fetchedTokenKeys(url: string, now: () => Date, fetchKeys: typeof fetch = fetch): JWTVerifyGetKey {
  let keys: JWTVerifyGetKey | undefined;
  let fetchedAt = -Infinity;
  let askedAt = -Infinity;
  let pending: Promise<void> | undefined;

  const ask = (): Promise<void> => {
    askedAt = now().getTime();
    return pending ??= fetchKeySet(url, fetchKeys).then((set) => {
      keys = set;
      fetchedAt = now().getTime();
    }).finally(() => pending = undefined);
  };
  const current = async (): Promise<JWTVerifyGetKey> => {
    const time = now().getTime();
    let fault: unknown;
    if (time - fetchedAt >= limits.jwksFreshMs && (pending !== undefined || time - askedAt >= limits.jwksRetryMs)) {
      await ask().catch((error: unknown) => fault = error);
    }
    if (keys !== undefined && now().getTime() - fetchedAt < limits.jwksStaleMs) return keys;
    throw new AuditError("unavailable", "get token keys: the auth server does not answer", { retryAfterSeconds: limits.jwksRetryMs / 1000, cause: fault });
  };

  return async (header, token) => {
    try {
      return await (await current())(header, token);
    } catch (error) {
      const mayAsk = pending !== undefined || now().getTime() - askedAt >= limits.jwksRefetchMs;
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAsk) throw error;
      // A fault here leaves the token as unknown as it was: the set we hold is fresh.
      await ask().catch(() => {});
      return await (await current())(header, token);
    }
  };
}

async function fetchKeySet(url: string, fetchKeys: typeof fetch): Promise<JWTVerifyGetKey> {
  const response = await fetchKeys(url, {
    headers: { accept: "application/jwk-set+json, application/json" },
    // A redirect would let whoever controls its target sign tokens.
    redirect: "manual",
    signal: AbortSignal.timeout(limits.jwksTimeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`fetch token keys: the auth server answered ${response.status}`);
  }
  return createLocalJWKSet(await response.json() as JSONWebKeySet);
}

import type { Authenticate, Caller } from "../../core/caller.ts";
import type { KeyStore, Log } from "../../core/ports.ts";
import type { Settings } from "../environment.ts";
import { apiKeys } from "./api-key.ts";
import { credentialsOf, unauthenticated } from "./credentials.ts";
import { anonCaller, projectKeys, secretCaller } from "./project-key.ts";
import { userTokens } from "./user-token.ts";

/** What authentication needs: the settings it was given, where API keys are, the time, and a way to fetch public keys. */
export type AuthenticateDeps = {
  readonly settings: Pick<Settings, "secretKeys" | "publishableKeys" | "anonTenantId" | "jwks" | "jwksUrl" | "jwtIssuer"> & { readonly keyCacheMs?: number };
  readonly keys: KeyStore;
  readonly now: () => Date;
  readonly fetch?: typeof fetch;
  readonly log?: Log;
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
};

/**
 * Authentication as the table in the design has it. The bearer decides alone when it names somebody or is not valid: a user's token wins over the
 * `apikey` that Supabase's clients send beside it. A publishable key names nobody, so the `apikey` beside such a bearer is looked at.
 */
export function createAuthenticate({ settings, keys, now, fetch, log, waitUntil }: AuthenticateDeps): Authenticate {
  const secretName = projectKeys(settings.secretKeys);
  const publishableName = projectKeys(settings.publishableKeys);
  const callerOfApiKey = apiKeys({ store: keys, now, cacheMs: settings.keyCacheMs, log, waitUntil });
  const callerOfToken = userTokens(settings, now, fetch);

  /** The caller whom `credential` names, or undefined when it is a publishable key. */
  const identify = async (credential: string, tokenAllowed: boolean): Promise<Caller | undefined> => {
    const secret = secretName(credential);
    if (secret !== undefined) return secretCaller(secret);
    if (publishableName(credential) !== undefined) return undefined;
    if (credential.startsWith("aud_")) return await callerOfApiKey(credential);
    if (tokenAllowed && credential.split(".", 4).length === 3) return await callerOfToken(credential);
    throw unauthenticated("credential is not valid: send an API key or a user's token");
  };

  return async (request) => {
    const { bearer, apikey } = credentialsOf(request.headers);
    const caller = bearer === undefined ? undefined : await identify(bearer, true);
    if (caller !== undefined) return caller;
    const server = apikey === undefined ? undefined : await identify(apikey, false);
    if (server !== undefined) return server;
    if (settings.anonTenantId === undefined) throw unauthenticated("a publishable key names nobody: send a user's token or an API key");
    return anonCaller(settings.anonTenantId);
  };
}

import { decodeJwt } from "jose";
import { finder, type Finding } from "./finding.ts";

const asymmetric = new Set(["EC", "RSA", "OKP"]);
const timeoutMs = 10_000;

/** The secret key as to its form; whether the project takes it shows when the bucket is asked for. */
export function checkSecretKey(key: string | undefined): readonly Finding[] {
  const { ok, fault, warning, unchecked } = finder("secret key");
  if (key === undefined) return [unchecked("SUPABASE_SECRET_KEY: is not set", "set it to a secret key of the project: Settings → API Keys")];
  if (key.startsWith("sb_secret_")) return [ok("is one of the project's secret keys")];
  if (key.startsWith("sb_publishable_")) {
    return [fault("SUPABASE_SECRET_KEY: is the publishable key, which may do nothing here", "set a key that begins with sb_secret_")];
  }
  if (roleOf(key) === "service_role") {
    return [
      warning("SUPABASE_SECRET_KEY: is the legacy service-role key, which Supabase retires at the end of 2026", "make a secret key: Settings → API Keys"),
    ];
  }
  return [fault("SUPABASE_SECRET_KEY: is neither a secret key nor the service-role key", "set a key that begins with sb_secret_")];
}

function roleOf(token: string): unknown {
  try {
    return decodeJwt(token)["role"];
  } catch {
    return undefined;
  }
}

/** Whether Supabase Auth signs users' tokens with a key whose public half can be fetched: a shared secret would have to be trusted with every function. */
export async function checkTokenKeys(projectUrl: string, fetchOf: typeof fetch = fetch): Promise<readonly Finding[]> {
  const { ok, fault, unchecked } = finder("users' tokens");
  const address = `${projectUrl}/auth/v1/.well-known/jwks.json`;
  const remedy = "Settings → JWT Keys: migrate to signing keys, then rotate to the standby key";
  try {
    const response = await fetchOf(address, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return [fault(`${address}: answered ${response.status}`, "check SUPABASE_PROJECT_REF, and that the project is not paused")];
    const { keys = [] } = await response.json() as { readonly keys?: readonly { readonly kty?: string; readonly alg?: string }[] };
    const usable = keys.filter(({ kty }) => asymmetric.has(kty ?? ""));
    if (usable.length === 0) return [fault("are signed with a shared secret: no function could verify one", remedy)];
    return [ok(`are signed with ${usable.map(({ alg, kty }) => alg ?? kty).join(", ")}, verified by the public key`)];
  } catch (error) {
    return [unchecked(`${address}: ${reasonOf(error)}`, "check SUPABASE_PROJECT_REF and the network")];
  }
}

/** Why a request came to nothing; undici hides it in `cause`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || String((error.cause as NodeJS.ErrnoException).code) : error.message;
}

import type { Config } from "../config.ts";

export const roles = ["viewer", "auditor", "admin"] as const;
export type Role = (typeof roles)[number];

/** Who is signed in, as the token says; the API decides what it is worth. */
export type Session = {
  readonly token: string;
  readonly subject: string;
  readonly name: string;
  readonly tenants: readonly string[];
  /** Undefined for an API key, which does not say: the API is asked. */
  readonly role: Role | undefined;
  /** Milliseconds since 1970; undefined for an API key, which does not say. */
  readonly expiresAt: number | undefined;
  /** True when Supabase Auth keeps and renews the token. */
  readonly isAccount: boolean;
};

const storageKey = "audit-events.token";

/** The session of a token: claims for display only, from the unverified payload. Undefined when it is no token at all. */
export function sessionOf(token: string, isAccount = false): Session | undefined {
  const text = token.trim();
  if (/^aud_[0-9a-z]{12}_/.test(text)) {
    return { token: text, subject: "API key", name: `key ${text.slice(4, 16)}`, tenants: [], role: undefined, expiresAt: undefined, isAccount: false };
  }
  const payload = payloadOf(text);
  if (payload === undefined) return undefined;
  const access = (payload["app_metadata"] ?? {}) as { readonly tenant_id?: unknown; readonly tenant_ids?: unknown; readonly audit_role?: unknown };
  const subject = String(payload["sub"] ?? "");
  return {
    token: text,
    subject,
    name: String(payload["email"] ?? payload["name"] ?? subject),
    // A link may hold any token: one that the API would refuse must not break the page.
    tenants: [...new Set([access.tenant_ids, access.tenant_id].flat().filter((id) => typeof id === "string"))],
    // A token without a role may do what a viewer may, at most.
    role: roles.find((role) => role === access.audit_role) ?? "viewer",
    expiresAt: typeof payload["exp"] === "number" ? payload["exp"] * 1000 : undefined,
    isAccount,
  };
}

/** Who is signed in by a token that this tab has kept; undefined when nobody is, or no longer. */
export function keptSession(): Session | undefined {
  const token = sessionStorage.getItem(storageKey);
  const session = token === null ? undefined : sessionOf(token);
  return session === undefined || isExpired(session) ? undefined : session;
}

/** Somebody whom a link asks to sign in. A demo person is one of this stack's own, any other token is whatever the maker of the link wanted. */
export type Offer = { readonly session: Session | undefined; readonly isDemo: boolean };

/**
 * Takes the offer out of the address: its fragment (`#token=…`, or `#demo=auditor` in a local stack) never reaches a server, and is removed at once. The
 * session is undefined when its token is none, or has ended; without an offer there is nothing.
 */
export function takeOffer(config: Config): Offer | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  const given = token ?? config.demo_people?.find(({ key }) => key === fragment.get("demo"))?.token;
  if (given === undefined) return undefined;
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  const session = sessionOf(given);
  return { session: session === undefined || isExpired(session) ? undefined : session, isDemo: token === null };
}

/** Remembers a token for this tab. An account's is not ours to keep: Supabase Auth has it, with what renews it. */
export function keepSession(session: Session | undefined): void {
  if (session === undefined || session.isAccount) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, session.token);
}

export function isExpired(session: Session): boolean {
  return session.expiresAt !== undefined && session.expiresAt <= Date.now();
}

/** True when `role` is `least` or more. */
export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}

function payloadOf(token: string): Record<string, unknown> | undefined {
  const part = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (part === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const payload: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof payload === "object" && payload !== null ? payload as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}

import type { Config } from "./config.ts";

/** Who is signed in, as the token says; the API decides what it is worth. */
export type Session = {
  readonly token: string;
  readonly subject: string;
  readonly name: string;
  readonly tenants: readonly string[];
  readonly role: "viewer" | "auditor" | "admin" | undefined;
  /** Milliseconds since 1970; undefined for an API key, which does not say. */
  readonly expiresAt: number | undefined;
};

const storageKey = "audit-events.token";

/** The session of a token: claims for display only, from the unverified payload. Undefined when it is no token at all. */
export function sessionOf(token: string): Session | undefined {
  const text = token.trim();
  if (/^aud_[0-9a-z]{12}_/.test(text)) return { token: text, subject: "API key", name: text.slice(0, 16), tenants: [], role: undefined, expiresAt: undefined };
  const payload = payloadOf(text);
  if (payload === undefined) return undefined;
  const access = (payload["app_metadata"] ?? {}) as { tenant_id?: string; tenant_ids?: string[]; audit_role?: Session["role"] };
  const subject = String(payload["sub"] ?? "");
  return {
    token: text,
    subject,
    name: String(payload["email"] ?? payload["name"] ?? subject),
    tenants: [...new Set([...(access.tenant_ids ?? []), ...(access.tenant_id === undefined ? [] : [access.tenant_id])])],
    role: access.audit_role,
    expiresAt: typeof payload["exp"] === "number" ? payload["exp"] * 1000 : undefined,
  };
}

/**
 * The token of this tab: from the address's fragment (`#token=…`, or `#demo=auditor` in a local stack), which never reaches a server and is removed
 * at once, or from before.
 */
export function restoreSession(config: Config): Session | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token") ?? config.demo_people?.find(({ key }) => key === fragment.get("demo"))?.token;
  if (given !== undefined) {
    history.replaceState(null, "", `${location.pathname}${location.search}`);
    sessionStorage.setItem(storageKey, given);
  }
  const token = sessionStorage.getItem(storageKey);
  const session = token === null ? undefined : sessionOf(token);
  return session === undefined || isExpired(session) ? undefined : session;
}

export function keepSession(session: Session | undefined): void {
  if (session === undefined) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, session.token);
}

export function isExpired(session: Session): boolean {
  return session.expiresAt !== undefined && session.expiresAt <= Date.now();
}

export function mayExport(session: Session): boolean {
  return session.role !== "viewer";
}

function payloadOf(token: string): Record<string, unknown> | undefined {
  const part = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (part === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

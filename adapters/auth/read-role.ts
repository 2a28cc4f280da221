import type { Claims, Scope } from "../../core/caller.ts";

/** What `app_metadata.audit_role` may say. */
export type ReadRole = NonNullable<NonNullable<Claims["app_metadata"]>["audit_role"]>;

const scopesOfRole: { readonly [Role in ReadRole]: readonly Scope[] } = {
  viewer: ["read"],
  auditor: ["read", "export"],
  admin: ["read", "export", "admin"],
};

/** The scopes of a read role, the earlier ones included. */
export function scopesOf(role: ReadRole | undefined): readonly Scope[] {
  return role === undefined ? [] : scopesOfRole[role];
}

/** The read role that row-level security must see for a key with `scopes`: the highest of them. */
export function readRoleOf(scopes: readonly string[]): ReadRole | undefined {
  if (scopes.includes("admin")) return "admin";
  if (scopes.includes("export")) return "auditor";
  return scopes.includes("read") ? "viewer" : undefined;
}

/** True for the words that are roles; anything else grants nothing. */
export function isReadRole(value: unknown): value is ReadRole {
  return typeof value === "string" && Object.hasOwn(scopesOfRole, value);
}

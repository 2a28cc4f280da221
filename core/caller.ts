/** What a credential allows, DESIGN's order: a later read scope includes the earlier ones. */
export type Scope = "ingest" | "read" | "export" | "admin";

/**
 * Who calls, verified. `tenants` is "any" only for secret keys. `principal` is `key:<id>`, `user:<sub>`, `secret:<name>`, `anon` or, of an import, `import:<id>`, and
 * never comes from a body. `claims` are what row-level security sees: API keys are turned into claims too, so that it sees one kind of caller.
 */
export type Caller = {
  readonly kind: "key" | "user" | "secret" | "anon";
  readonly principal: string;
  readonly tenants: "any" | readonly string[];
  readonly scopes: ReadonlySet<Scope>;
  readonly claims: Claims;
};

/** JWT claims as PostgREST sets them in `request.jwt.claims`. */
export type Claims = {
  readonly sub?: string;
  readonly role?: string;
  readonly app_metadata?: { readonly tenant_ids?: readonly string[]; readonly audit_role?: "viewer" | "auditor" | "admin" };
};

/** Turns a request's credentials into a caller; throws `unauthenticated` when there are none or they are not valid. */
export type Authenticate = (request: Request) => Promise<Caller>;

/** True for callers on whose behalf a browser or device speaks: only their events take IP, user agent and fingerprint from the request. */
export function isEndUser(caller: Caller): boolean {
  return caller.kind === "user" || caller.kind === "anon";
}

import type { Context, MiddlewareHandler } from "hono";
import type { Reader } from "../core/access-record.ts";
import type { Authenticate, Caller, Scope } from "../core/caller.ts";
import { clientAddressReader } from "../core/client-address.ts";
import { AuditError } from "../core/errors.ts";
import type { ApiEnv, ApiParts } from "./context.ts";

/** The least role that a person needs for what keys need a scope for. */
const roleFor: Readonly<Record<Exclude<Scope, "ingest">, string>> = { read: "viewer", export: "auditor", admin: "admin" };

/** Lets a request pass whose credential has `scope`, and leaves its caller in the context. Stands before validation: strangers learn nothing about parameters. */
export function requireScope(authenticate: Authenticate, scope: keyof typeof roleFor): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const caller = await authenticate(context.req.raw);
    if (!caller.scopes.has(scope)) {
      throw new AuditError("forbidden", `authorise request: this needs a key with the scope ${scope}, or a person with the role ${roleFor[scope]}`);
    }
    context.set("caller", caller);
    await next();
  };
}

/**
 * The tenant a request is about: the one it names, if the caller may read it, else the caller's only one. A tenant that is not the caller's and one
 * that does not exist get the same answer.
 */
export function tenantOf(caller: Caller, named: string | undefined): string {
  const tenants = caller.tenants === "any" ? [] : caller.tenants;
  if (named !== undefined) {
    if (tenants.includes(named)) return named;
    throw new AuditError("forbidden", "read tenant: the credential is not for this tenant; leave tenant_id out, or use a credential of that tenant", {
      pointer: "tenant_id",
    });
  }
  const [only, ...others] = tenants;
  if (only !== undefined && others.length === 0) return only;
  throw new AuditError("invalid_parameter", "read tenant: the credential is for several; name one", { pointer: "tenant_id" });
}

/** Softly deleted events are for admins; saying so is better than leaving them out silently. */
export function requireAdminFor(caller: Caller, includeDeleted: boolean | undefined): void {
  if (includeDeleted !== true || caller.scopes.has("admin")) return;
  throw new AuditError("forbidden", "read deleted events: the credential lacks the scope admin; use one that has it, or leave include_deleted out", {
    pointer: "include_deleted",
  });
}

/** Who reads, for the record: end users' own address and agent as at the door, nothing of a server's. */
export function readerOf(parts: Pick<ApiParts, "settings">): (context: Context<ApiEnv>, tenantId: string) => Reader {
  const addressOf = clientAddressReader(parts.settings);
  return (context, tenantId) => {
    const { headers } = context.req.raw;
    const agent = headers.get("user-agent")?.slice(0, 500);
    return {
      caller: context.get("caller"),
      tenantId,
      requestId: context.get("requestId"),
      fields: { ip_address: addressOf(headers), user_agent: agent?.isWellFormed() ? agent : undefined },
    };
  };
}

import type { Caller } from "./caller.ts";
import { parseUuid } from "./format/uuid7.ts";

/** The one tenant that a caller is good for; undefined when there are several. */
export function onlyTenant({ tenants }: Caller): string | undefined {
  return tenants !== "any" && tenants.length === 1 ? tenants[0] : undefined;
}

/**
 * How many events a batch has of each tenant, before any of them is looked at. An event of a tenant that is not the caller's will be refused and is
 * nobody's; a caller of one tenant costs no look at the events at all.
 */
export function tokensOf(events: readonly unknown[], caller: Caller, defaultTenantId: string | undefined): ReadonlyMap<string, number> {
  const only = onlyTenant(caller);
  const tokens = new Map<string, number>();
  if (only !== undefined) return tokens.set(only, events.length);
  let [lastNamed, lastId, count]: [unknown, string | undefined, number] = [undefined, defaultTenantId, 0];
  const close = () => {
    if (lastId !== undefined && count > 0) tokens.set(lastId, (tokens.get(lastId) ?? 0) + count);
  };
  for (const event of events) {
    const named: unknown = typeof event === "object" && event !== null ? (event as { readonly tenant_id?: unknown }).tenant_id : undefined;
    if (named !== lastNamed) {
      close();
      [lastNamed, lastId, count] = [named, tenantOf(named, caller, defaultTenantId), 0];
    }
    count++;
  }
  close();
  return tokens;
}

function tenantOf(named: unknown, { tenants }: Caller, defaultTenantId: string | undefined): string | undefined {
  const id = named === undefined || named === null ? defaultTenantId : typeof named === "string" ? parseUuid(named) : undefined;
  return id !== undefined && (tenants === "any" || tenants.includes(id)) ? id : undefined;
}

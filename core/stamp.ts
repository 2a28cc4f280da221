import { type Caller, isEndUser } from "./caller.ts";
import type { EventError } from "./errors.ts";
import type { AuditEvent, CandidateEvent, RequestField } from "./event.ts";
import { makeUuid7 } from "./format/uuid7.ts";
import { leafHashHexWithin, leafOf } from "./leaf.ts";
import { limits } from "./limits.ts";
import type { EventRow, TextSha256 } from "./ports.ts";

/** What the request itself says of an end user. */
export type RequestFields = { readonly [Field in RequestField]?: string | undefined };

/** What every event of a batch is stamped with. `random` gives 16 bytes for the id of the event at `index`. */
export type Stamps = {
  readonly caller: Caller;
  readonly receivedAt: string;
  readonly defaultTenantId: string | undefined;
  readonly requestFields: RequestFields;
  readonly random: (index: number) => Uint8Array;
  readonly sha256: TextSha256;
};

/** The tenant an event belongs to: its own when the caller may write there, else the caller's only one, else the default one. */
export function tenantOf(event: CandidateEvent, caller: Caller, defaultTenantId: string | undefined): string | EventError {
  const { tenants } = caller;
  const mayWrite = (tenantId: string) => tenants === "any" || tenants.includes(tenantId);
  if (event.tenant_id !== undefined) {
    if (mayWrite(event.tenant_id)) return event.tenant_id;
    return {
      code: "tenant_forbidden",
      pointer: "/tenant_id",
      message: "tenant_id is not a tenant of this credential: leave it out, or use a credential of that tenant",
    };
  }
  const only = tenants !== "any" && tenants.length === 1 ? tenants[0] : undefined;
  if (only !== undefined) return only;
  if (defaultTenantId !== undefined && mayWrite(defaultTenantId)) return defaultTenantId;
  return { code: "tenant_required", pointer: "/tenant_id", message: "tenant_id is required: this credential has several tenants and no default one" };
}

/** The row to insert for a validated event, leaf hash included; or the fault that only the whole event can have. */
export function stamp(event: CandidateEvent, contextJson: string | undefined, tenantId: string, index: number, stamps: Stamps): EventRow | EventError {
  const occurredAt = event.occurred_at ?? stamps.receivedAt;
  const stamped: AuditEvent = {
    ...event,
    ...(isEndUser(stamps.caller) ? missingRequestFields(event, stamps.requestFields) : undefined),
    tenant_id: tenantId,
    occurred_at: occurredAt,
    id: event.id ?? makeUuid7(Date.parse(occurredAt), stamps.random(index)),
    received_at: stamps.receivedAt,
    principal: stamps.caller.principal,
  };
  const leafHash = leafHashHexWithin(leafOf(stamped, contextJson), stamps.sha256);
  if (leafHash !== undefined) return { event: stamped, contextJson, leafHash };
  return {
    code: "event_too_large",
    pointer: "",
    message: `the event must not have more than ${limits.leafBytesMax} bytes as canonical JSON: shorten message or context`,
  };
}

function missingRequestFields(event: CandidateEvent, fields: RequestFields): Partial<Record<RequestField, string>> {
  const missing: Partial<Record<RequestField, string>> = {};
  for (const name of requestFieldNames) {
    const value = fields[name];
    if (event[name] === undefined && value !== undefined) missing[name] = value;
  }
  return missing;
}

/** The fields that an end user's request fills in. */
export const requestFieldNames = ["ip_address", "user_agent", "device_fingerprint"] as const satisfies readonly RequestField[];

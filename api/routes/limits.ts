import type { Context } from "hono";
import { Hono } from "hono";
import { z } from "zod";
import type { Caller } from "../../core/caller.ts";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { BucketState } from "../../core/rate-bucket.ts";
import type { RateStates } from "../../core/rate-limiter.ts";
import { type RateKind } from "../../core/rate-store.ts";
import { onlyTenant } from "../../core/rate-tokens.ts";
import { tenantParameters } from "../../core/query-parameters.ts";
import { tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation, quotaUsedUp } from "../operation.ts";
import { quotaHeaders } from "../response-headers.ts";
import { limitsBody } from "../response-schemas.ts";
import { query } from "../validate.ts";

/** What a caller can run into; the rest bounds our own work. */
const shown = [
  "eventsPerRequestMax",
  "eventsPerApiRequestMax",
  "bodyBytesMax",
  "bodyDepthMax",
  "bodyReadTimeoutMs",
  "smallBodyBytesMax",
  "leafBytesMax",
  "contextBytesMax",
  "contextDepthMax",
  "keysPerObjectMax",
  "faultsPerEventMax",
  "indexedBytesMax",
  "messageBytesMax",
  "userAgentBytesMax",
  "typeNameLengthMax",
  "durationMsMax",
  "numberMagnitudeMin",
  "idempotencyKeyBytesMax",
  "idempotencyHours",
  "credentialBytesMax",
  "tenantsPerTokenMax",
  "keysInUseMax",
  "keysPerPageMax",
  "queryRowsMax",
  "queryRowsDefault",
  "queryOffsetMax",
  "queryStatementTimeoutMs",
  "queryStringBytesMax",
  "queryDefaultDays",
  "queryTermsMax",
  "cursorHours",
  "viewRecordMinutes",
  "exportEdgeRowsMax",
  "reportRowsMax",
  "statsBucketsMax",
  "statsFacetRowsMax",
  "statsFacetValuesMax",
  "producerEventsMax",
  "producersMax",
  "checkpointsPerPageMax",
] as const satisfies readonly (keyof typeof limits)[];

const description =
  `Each limit once, with its unit at the end of its name. Quotas are the deployment's; with a credential they are the caller's own, and say what
is left. A bucket holds burst tokens and gains per_second; tenant counts what all callers of a tenant do together, caller what one does.`;

const refusals = {
  400: "A parameter is not valid",
  403: "The credential is not for this tenant",
  429: quotaUsedUp,
  503: "A part of the service is not available",
};

// Not strict: whatever else stands in the address, nothing more is shown than is public.
const limitsParameters = z.object({ tenant_id: tenantParameters.shape.tenant_id });

/** `GET /limits`, for everybody. */
export function limitsRoutes(parts: ApiParts) {
  const { settings } = parts;
  return new Hono<ApiEnv>().get(
    "/limits",
    operation("Limits, settings and quotas that callers meet", limitsBody, {
      isPublic: true,
      description,
      refusals,
      sends: { 200: ["Vary", ...quotaHeaders], 403: quotaHeaders, 429: quotaHeaders, 503: quotaHeaders },
    }),
    query(limitsParameters),
    async (context) => {
      const caller = await callerOf(context, parts);
      const tenantId = caller === undefined ? undefined : askedTenant(caller, context.req.valid("query").tenant_id);
      context.header("cache-control", caller === undefined ? "public, max-age=300" : "no-store");
      context.header("vary", "authorization, apikey", { append: true });
      return context.json({
        limits: Object.fromEntries(shown.map((name) => [snakeCase(name), limits[name]])),
        settings: {
          event_max_age_days: settings.eventMaxAgeDays,
          event_max_ahead_minutes: settings.eventMaxAheadMinutes,
          hot_days: settings.hotDays,
          retention_years: settings.retentionYears,
          retention_floor_years: settings.retentionFloorYears,
          key_cache_seconds: settings.keyCacheMs / 1000,
        },
        quotas: {
          of: caller === undefined ? "deployment" as const : "caller" as const,
          ingest: { unit: "events" as const, ...await quotaOf(parts, "ingest", caller, tenantId) },
          reads: { unit: "requests" as const, ...await quotaOf(parts, "reads", caller, tenantId) },
        },
      });
    },
  );
}

/** Whoever shows a good credential; with a bad one a stranger, to whom the limits are no secret either. */
async function callerOf(context: Context<ApiEnv>, parts: ApiParts): Promise<Caller | undefined> {
  const { headers } = context.req.raw;
  if (!headers.has("authorization") && !headers.has("apikey")) return undefined;
  try {
    const caller = await parts.authenticate(context.req.raw);
    context.set("caller", caller);
    return caller;
  } catch (error) {
    if (error instanceof AuditError && (error.code === "unauthenticated" || error.code === "forbidden")) return undefined;
    throw error;
  }
}

function askedTenant(caller: Caller, named: string | undefined): string | undefined {
  return named === undefined || caller.tenants === "any" ? onlyTenant(caller) : tenantOf(caller, named);
}

async function quotaOf(parts: ApiParts, kind: RateKind, caller: Caller | undefined, tenantId: string | undefined) {
  const { rates } = parts;
  if (rates === undefined) return { tenant: null, caller: null };
  const bucket = (state: BucketState | undefined) =>
    state === undefined ? null : { per_second: state.perSecond, burst: state.burst, remaining: state.remaining, reset_seconds: state.resetSeconds };
  const defaults = (perSecond: number) => ({ per_second: perSecond, burst: perSecond * limits.rateBurstSeconds });
  if (caller === undefined) return { tenant: defaults(rates.quotas[kind].tenant), caller: defaults(rates.quotas[kind].caller) };
  const states: RateStates = await rates.states(kind, caller, tenantId);
  return { tenant: bucket(states.tenant), caller: bucket(states.caller) };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

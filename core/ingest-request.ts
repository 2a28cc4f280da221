import type { Batch } from "./batch.ts";
import { readBody } from "./body.ts";
import type { Lease } from "./body-room.ts";
import { type Authenticate, type Caller, isEndUser } from "./caller.ts";
import { clientAddressReader, type ProxyTrust } from "./client-address.ts";
import { deviceFingerprint } from "./device-fingerprint.ts";
import { eventsOf } from "./envelope.ts";
import { AuditError } from "./errors.ts";
import type { Idempotency } from "./ingest.ts";
import { parseJson, requireJson } from "./json-body.ts";
import { limits } from "./limits.ts";
import type { Sha256 } from "./ports.ts";
import { parsePrefer, type Preferences } from "./prefer.ts";
import type { RateLimiter, RateTicket } from "./rate-limiter.ts";
import { onlyTenant, tokensOf } from "./rate-tokens.ts";
import type { RequestFields } from "./stamp.ts";

/** All that a request says, read and checked as far as it can be without looking at single events. */
export type IngestRequest = {
  readonly batch: Batch;
  readonly idempotency: Idempotency | undefined;
  readonly preferences: Preferences;
  /** What the request drew from its quotas; undefined where there are none. */
  readonly ticket: RateTicket | undefined;
  readonly bodyBytes: number;
  readonly parseMs: number;
};

/** What reading needs from outside. */
export type ReadingParts = {
  readonly authenticate: Authenticate;
  readonly sha256: Sha256;
  readonly elapsedMs: () => number;
  /** Undefined where nobody is limited. */
  readonly rates?: RateLimiter | undefined;
  readonly settings: ProxyTrust & { readonly bodyReadTimeoutMs?: number; readonly defaultTenantId: string | undefined };
};

/**
 * How to read a request of a door that takes `eventsMax` events: credential and quota first, so that nothing is read from strangers, nor from those
 * who have sent too much. The body is parsed when `lease` gives it its turn.
 */
export function ingestRequestReader(parts: ReadingParts, eventsMax: number): (request: Request, lease: Lease) => Promise<IngestRequest> {
  const addressOf = clientAddressReader(parts.settings);
  const bodyLimits = { bytesMax: limits.bodyBytesMax, timeoutMs: parts.settings.bodyReadTimeoutMs ?? limits.bodyReadTimeoutMs };
  return async (request, lease) => {
    const caller = await parts.authenticate(request);
    if (!caller.scopes.has("ingest")) throw new AuditError("forbidden", "ingest events: the credential lacks the scope ingest; use one that has it");
    refuseTenantInAddress(request.url);
    const ticket = parts.rates?.open("ingest", caller, onlyTenant(caller));
    ticket?.admit();
    requireJson(request.headers.get("content-type"));
    const key = idempotencyKeyOf(request.headers);
    const preferences = parsePrefer(request.headers.get("prefer"));
    lease.enter({ tenant: onlyTenant(caller) ?? caller.principal, principal: caller.principal });
    const bytes = await readBody(request, { ...bodyLimits, arrived: lease.grow, lost: lease.lost });
    await lease.turn();
    const startedMs = parts.elapsedMs();
    const events = eventsOf(parseJson(bytes, limits.bodyDepthMax), eventsMax);
    const parseMs = parts.elapsedMs() - startedMs;
    ticket?.take(tokensOf(events, caller, parts.settings.defaultTenantId));
    return {
      batch: { caller, events, strict: preferences.strict, requestFields: requestFieldsOf(request.headers, caller, addressOf, parts.sha256) },
      idempotency: key === undefined ? undefined : { keyHash: parts.sha256(key), bodyHash: parts.sha256(bytes) },
      preferences,
      ticket,
      bodyBytes: bytes.byteLength,
      parseMs,
    };
  };
}

/** Whoever names a tenant there believes that it counts, and his events would go into another. What else stands there is for gateways to read. */
function refuseTenantInAddress(url: string): void {
  if (!new URL(url).searchParams.has("tenant_id")) return;
  throw new AuditError("unknown_parameter", "ingest events: tenant_id is not read from the address; put it into each event", { pointer: "tenant_id" });
}

const encoder = new TextEncoder();

function idempotencyKeyOf(headers: Headers): Uint8Array | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  const bytes = encoder.encode(key);
  if (bytes.length >= 1 && bytes.length <= limits.idempotencyKeyBytesMax) return bytes;
  const wording = `read Idempotency-Key: it must have 1 to ${limits.idempotencyKeyBytesMax} bytes; a random UUID will do`;
  throw new AuditError("invalid_parameter", wording, { pointer: "Idempotency-Key" });
}

/** What an end user's own request says of it; of a server's request, it would be the server's address and agent, so nothing. */
function requestFieldsOf(headers: Headers, caller: Caller, addressOf: (headers: Headers) => string | undefined, sha256: Sha256): RequestFields {
  if (!isEndUser(caller)) return {};
  const userAgent = headers.get("user-agent");
  return {
    ip_address: addressOf(headers),
    user_agent: userAgent === null ? undefined : cutToBytes(userAgent, limits.userAgentBytesMax),
    device_fingerprint: deviceFingerprint(headers, sha256),
  };
}

/** The longest beginning of `text` with at most `bytesMax` bytes of UTF-8 and no half character. */
function cutToBytes(text: string, bytesMax: number): string {
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(bytesMax)).read);
}

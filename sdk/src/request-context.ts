import type { EventContext } from "./event.ts";
import { sha256, toHex } from "./sha256.ts";

type HeaderRecord = Readonly<
  Record<string, string | readonly string[] | undefined>
>;

/** A Fetch `Request`, a Hono `c.req.raw`, or Node's `IncomingMessage`. */
export type RequestLike = {
  readonly headers:
    | { readonly get: (name: string) => string | null }
    | HeaderRecord;
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
};

export type RequestContextOptions = {
  /**
   * How many proxies of yours write `X-Forwarded-For`: the address is the one that the outermost of them saw. 0: the header is not believed.
   * By default 1, and 0 when the connection itself comes from a public address.
   */
  readonly trustedProxies?: number;
  /** The header into which your platform writes the client's address, such as `cf-connecting-ip`; believed before any other. */
  readonly ipHeader?: string;
};

/** What one browser on one device sends alike for weeks, in this order: the server makes the same fingerprint of an end user's request. */
const fingerprintHeaders = ["user-agent", "accept-language", "accept-encoding", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"];

/** IP address, user agent, request id and device fingerprint of the request on whose behalf something is logged; what is not there is absent. */
export function fromRequest(request: RequestLike, options: RequestContextOptions = {}): EventContext {
  const header = headerReader(request.headers);
  const ip = clientAddress(header, plainAddress(request.socket?.remoteAddress), options);
  const agent = header("user-agent");
  const id = header("x-request-id") ?? header("sb-request-id") ??
    /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(header("traceparent") ?? "")?.[1];
  const fingerprint = deviceFingerprint(header);
  return {
    ...(ip === undefined ? {} : { ip_address: ip }),
    ...(agent === undefined ? {} : { user_agent: agent.slice(0, 500) }),
    ...(id === undefined ? {} : { request_id: id.slice(0, 200) }),
    ...(fingerprint === undefined ? {} : { device_fingerprint: fingerprint }),
  };
}

type Header = (name: string) => string | undefined;

function headerReader(headers: RequestLike["headers"]): Header {
  if (typeof headers.get === "function") {
    const list = headers as { readonly get: (name: string) => string | null };
    return (name) => list.get(name) ?? undefined;
  }
  const record = headers as HeaderRecord;
  return (name) => {
    const value = record[name];
    return typeof value === "object" ? value.join(", ") : value;
  };
}

function clientAddress(header: Header, peer: string | undefined, options: RequestContextOptions): string | undefined {
  const named = options.ipHeader === undefined ? undefined : plainAddress(header(options.ipHeader.toLowerCase()));
  if (named !== undefined) return named;
  const trusted = options.trustedProxies ??
    (peer === undefined || isPrivate(peer) ? 1 : 0);
  const hops = (header("x-forwarded-for") ?? "").split(",").filter((hop) => hop.trim() !== "");
  // Counted from the right: what stands further left was written by somebody we do not know.
  return trusted > 0 && hops.length > 0 ? plainAddress(hops[Math.max(0, hops.length - trusted)]) : peer;
}

/** An address without port, brackets or zone; undefined for names and whatever else is no address: a log entry must not fail for it. */
function plainAddress(text: string | undefined): string | undefined {
  const bare = text?.trim().replace(/^\[([^\]]*)\](?::\d+)?$/, "$1").replace(
    /^(\d+\.\d+\.\d+\.\d+):\d+$/,
    "$1",
  ).replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  if (bare === undefined) return undefined;
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(bare)) {
    return bare.split(".").every((part) => String(Number(part)) === part && Number(part) < 256) ? bare : undefined;
  }
  try {
    return bare.includes(":") ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : undefined;
  } catch {
    return undefined;
  }
}

function isPrivate(address: string): boolean {
  return /^(10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^::1$|^f[cd]|^fe[89ab]/i.test(address);
}

function deviceFingerprint(header: Header): string | undefined {
  const lines = fingerprintHeaders.flatMap((name) => header(name) === undefined ? [] : [`${name}: ${header(name)}\n`]);
  return lines.length === 0 ? undefined : toHex(sha256(new TextEncoder().encode(lines.join(""))));
}

import type { EventContext } from "./event.ts";
import { isPrivate, plainAddress } from "./ip-address.ts";
import { sha256Hex } from "./sha256.ts";

/** Headers by lower-case names, as Node has them. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A Fetch `Request`, a Hono `c.req.raw`, or Node's `IncomingMessage`. */
export type RequestLike = {
  /** As `Headers`, or by lower-case names. */
  readonly headers: { readonly get: (name: string) => string | null } | HeaderRecord;
  /** Node's: the other end of the connection. */
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
};

/** Whom to believe about a client's address. */
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
  const { headers, socket } = request;
  const header = (name: string) => String((typeof headers.get === "function" ? headers.get(name) : (headers as HeaderRecord)[name]) ?? "");
  const peer = plainAddress(socket?.remoteAddress);
  const { ipHeader, trustedProxies = !peer || isPrivate(peer) ? 1 : 0 } = options;
  const hops = header("x-forwarded-for").split(",");
  // Counted from the right: what stands further left was written by somebody we do not know.
  const forwarded = trustedProxies > 0 ? plainAddress(hops[Math.max(0, hops.length - trustedProxies)]) : undefined;
  const ip = (ipHeader && plainAddress(header(ipHeader.toLowerCase()))) ?? forwarded ?? peer;
  const agent = header("user-agent").slice(0, 500);
  // Its bound is in bytes: letters of two would make it too long, and whoever sends them could keep the event out of the log.
  const id = header("x-request-id") || header("sb-request-id") || header("traceparent").split("-")[1];
  const fingerprint = fingerprintHeaders.map((name) => header(name) && `${name}: ${header(name)}\n`).join("");
  return {
    ...ip && { ip_address: ip },
    ...agent && { user_agent: agent },
    ...id && { request_id: id.replace(/[^ -~]/g, "?").slice(0, 200) },
    ...fingerprint && { device_fingerprint: sha256Hex(fingerprint) },
  };
}

import ipaddr from "ipaddr.js";
import { parseIpAddress } from "./format/ip-address.ts";

/** Whom to believe about a client's address. */
export type ProxyTrust = {
  /** Header in which the platform itself gives the address, and which it overwrites; it wins. */
  readonly clientIpHeader: string | undefined;
  /** CIDR blocks of our own proxies. */
  readonly trustedProxies: readonly string[];
};

/**
 * How to find a client's address in its request: the platform's header, or the rightmost hop of `X-Forwarded-For` that is none of our own proxies.
 * What stands left of it was written by the client or by somebody we do not know. Undefined when there is no address to be believed.
 */
export function clientAddressReader(trust: ProxyTrust): (headers: Headers) => string | undefined {
  const trusted = trust.trustedProxies.map((block) => ipaddr.parseCIDR(block));
  const isTrusted = (address: string) => trusted.some(([network, bits]) => contains(network, bits, ipaddr.parse(address)));
  return (headers) => {
    if (trust.clientIpHeader !== undefined) return addressOf(headers.get(trust.clientIpHeader) ?? "");
    const hops = (headers.get("x-forwarded-for") ?? "").split(",").reverse();
    for (const hop of hops) {
      const address = addressOf(hop);
      // A hop that is no address was not written by a proxy of ours, and nothing left of it is worth more.
      if (address === undefined || !isTrusted(address)) return address;
    }
    return undefined;
  };
}

function contains(network: ipaddr.IPv4 | ipaddr.IPv6, bits: number, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

/** Some proxies write a port behind the address: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function addressOf(hop: string): string | undefined {
  const text = hop.trim();
  const withPort = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? /^(\d[\d.]*):\d{1,5}$/.exec(text);
  return parseIpAddress(withPort?.[1] ?? text);
}

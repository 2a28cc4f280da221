import ipaddr from "ipaddr.js";
import { parseIpAddress } from "./format/ip-address.ts";

/**
 * An address or CIDR block as text that `inet` and `isInNetwork` read the same way, an IPv4-mapped one as IPv4; undefined when it is neither.
 * Bits beyond the mask may be set: 10.1.2.3/8 is 10.0.0.0/8.
 */
export function parseNetwork(text: string): string | undefined {
  const [address = "", mask, ...rest] = text.split("/");
  if (rest.length > 0 || (mask !== undefined && !/^\d{1,3}$/.test(mask))) return undefined;
  const parsed = parseIpAddress(address);
  if (parsed === undefined) return undefined;
  const isIpv4 = !parsed.includes(":");
  const widest = isIpv4 ? 32 : 128;
  const isMapped = isIpv4 && address.includes(":");
  const bits = mask === undefined ? widest : Number(mask) - (isMapped ? 96 : 0);
  return bits < 0 || bits > widest ? undefined : `${parsed}/${bits}`;
}

/** True if `address` (an event's) lies in `network` (from parseNetwork). IPv4 lies in no IPv6 network, nor the reverse, as in Postgres. */
export function isInNetwork(address: string, network: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  const [base, bits] = ipaddr.parseCIDR(network);
  return parsed.kind() === base.kind() && parsed.match([base, bits]);
}

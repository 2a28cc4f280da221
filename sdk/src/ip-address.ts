/**
 * One spelling of an IP address: four decimal numbers, or RFC 5952. Port, brackets and zone are taken off. Undefined for names and whatever else is no
 * address: the server would refuse the whole event, and so a forged header could keep it out of the log.
 */
export function plainAddress(text: string | undefined): string | undefined {
  const bare = text?.trim().replace(/^\[(.*)\].*|%.*|^([\d.]+):\d+$/, "$1$2") ?? "";
  const isV6 = bare.includes(":");
  try {
    // The URL standard writes IPv6 addresses as RFC 5952 section 4 does, and refuses what is none; an IPv4 address must be in plain form already.
    const { hostname } = new URL(isV6 ? `http://[${bare}]` : `http://${bare}`);
    return isV6 ? hostname.slice(1, -1) : hostname === bare && /^[\d.]+$/.test(bare) ? bare : undefined;
  } catch {
    return undefined;
  }
}

/** True for addresses that no client on the internet has: a proxy of ours, or this machine. */
export function isPrivate(address: string): boolean {
  return /^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.|^(::1$|f[cd]|fe[89ab]|::ffff:)/.test(address);
}

import ipaddr from "ipaddr.js";

const dottedQuad = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
// What an IPv6 address may be written with; `%` would begin a zone, which inet refuses and which means nothing on another machine.
const ipv6Characters = /^[0-9a-fA-F:.]{2,45}$/;

/**
 * `text` as we store and hash an address: four plain decimal numbers, or RFC 5952 in hexadecimal only; an IPv4-mapped IPv6 address as IPv4.
 * Undefined for whatever is not one whole address: names, ports, masks, zones, brackets, 10.1, 010.0.0.1, 0x7f.0.0.1.
 */
export function parseIpAddress(text: string): string | undefined {
  if (dottedQuad.test(text)) return text;
  if (!ipv6Characters.test(text) || !text.includes(":")) return undefined;
  const hexadecimal = withoutDottedEnding(text);
  if (hexadecimal === undefined || !ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  const address = ipaddr.IPv6.parse(hexadecimal);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/**
 * `::1.2.3.4` as `::102:304`. Done here because ipaddr.js takes every dotted ending for an IPv4-mapped address, which `::1.2.3.4` is not,
 * and reads octal numbers in it; Postgres prints the one for the other, so that a row read back would have another leaf.
 */
function withoutDottedEnding(text: string): string | undefined {
  const start = text.lastIndexOf(":") + 1;
  const ending = text.slice(start);
  if (!ending.includes(".")) return text;
  if (!dottedQuad.test(ending)) return undefined;
  const [a, b, c, d] = ending.split(".").map(Number) as [number, number, number, number];
  return `${text.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

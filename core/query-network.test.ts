import { describe, expect, it } from "vitest";
import { isInNetwork, parseNetwork } from "./query-network.ts";

describe("parseNetwork()", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7/32"],
    ["10.1.2.3/8", "10.1.2.3/8"],
    ["::FFFF:10.0.0.1", "10.0.0.1/32"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["2001:DB8:0::/32", "2001:db8::/32"],
    ["::1", "::1/128"],
    ["0.0.0.0/0", "0.0.0.0/0"],
  ])("reads %s", (text, network) => expect(parseNetwork(text)).toBe(network));

  it.each([
    "",
    "10.1",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "::1/129",
    "::ffff:10.0.0.1/90",
    "fe80::1%eth0",
    "localhost",
    "0x7f.0.0.1",
    "1.2.3.4:80",
  ])(
    "refuses %j",
    (text) => expect(parseNetwork(text)).toBeUndefined(),
  );
});

describe("isInNetwork()", () => {
  it("holds IPv4 and IPv6 apart", () => {
    expect(isInNetwork("10.9.9.9", "10.1.2.3/8")).toBe(true);
    expect(isInNetwork("11.0.0.1", "10.1.2.3/8")).toBe(false);
    expect(isInNetwork("10.0.0.1", "::/0")).toBe(false);
    expect(isInNetwork("2001:db8::1", "0.0.0.0/0")).toBe(false);
    expect(isInNetwork("2001:db8::1", "2001:db8::/32")).toBe(true);
    expect(isInNetwork("host.example", "0.0.0.0/0")).toBe(false);
  });
});

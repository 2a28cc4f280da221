import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIpAddress } from "./ip-address.ts";

describe("parseIpAddress()", () => {
  it.each([
    ["192.168.1.1", "192.168.1.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::ffff:192.168.1.1", "192.168.1.1"],
    ["::FFFF:c0a8:0101", "192.168.1.1"],
    ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
    ["::1.2.3.4", "::102:304"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:db8::0:1:1:1:1", "2001:db8::1:1:1:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["fe80::", "fe80::"],
  ])("writes %s as %s", (text, written) => {
    expect(parseIpAddress(text)).toBe(written);
  });

  it.each([
    ...["", "localhost", "AWS Internal", "s3.amazonaws.com", "unknown", "10.1", "10", "167772161", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4"],
    ...["010.0.0.1", "1.2.3.04", "0x7f.0.0.1", "1.2.3.4:443", "1.2.3.4/32", " 1.2.3.4", "1.2.3.4\n", "\u0661.2.3.4"],
    ...["fe80::1%eth0", "[::1]", "[::1]:443", "::1/128", "1::2::3", ":::", ":", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::1", "1:2:3:4:5:6:7:8::"],
    ...["::ffff:10.1", "::ffff:010.0.0.1", "::ffff:1.2.3.4.5", "1.2.3.4::", "::1.2.3.4:5", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:"],
  ])("refuses %j", (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });

  it("accepts what Node accepts, and writes text that it reads back as itself", () => {
    const nearly = fc.stringMatching(/^[0-9a-f:.]{0,20}$/);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly), (text) => {
        const written = parseIpAddress(text);
        expect(written !== undefined).toBe(isIPv4(text) || isIPv6(text));
        if (written !== undefined) expect(parseIpAddress(written)).toBe(written);
      }),
      { numRuns: 5000 },
    );
  });

  it("writes every spelling of an IPv6 address alike, as the URL standard does", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 0xffff })), { minLength: 8, maxLength: 8 }), (groups) => {
        const long = groups.map((group) => group.toString(16).padStart(4, "0").toUpperCase()).join(":");
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        expect(parseIpAddress(long)).toBe(parseIpAddress(short));
        if (!short.startsWith("::ffff:")) expect(parseIpAddress(long)).toBe(short);
      }),
      { numRuns: 2000 },
    );
  });
});

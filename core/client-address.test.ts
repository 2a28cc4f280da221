import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientAddressReader } from "./client-address.ts";

const read = (headers: Record<string, string>, trust: { clientIpHeader?: string; trustedProxies?: string[] } = {}) =>
  clientAddressReader({ clientIpHeader: trust.clientIpHeader, trustedProxies: trust.trustedProxies ?? [] })(new Headers(headers));

describe("clientAddressReader()", () => {
  it("takes the rightmost hop when no proxy is ours, whatever a client wrote before it", () => {
    expect(read({ "x-forwarded-for": "6.6.6.6, 203.0.113.9" })).toBe("203.0.113.9");
    expect(read({ "x-forwarded-for": "203.0.113.9" })).toBe("203.0.113.9");
  });

  it("skips our own proxies from the right, and stops at the first hop that is none", () => {
    const trustedProxies = ["10.0.0.0/8", "2001:db8:1::/48"];
    expect(read({ "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.1.2.3, 2001:db8:1::5" }, { trustedProxies })).toBe("203.0.113.9");
    expect(read({ "x-forwarded-for": "10.9.9.9, 203.0.113.9, 10.1.2.3" }, { trustedProxies })).toBe("203.0.113.9");
    expect(read({ "x-forwarded-for": "203.0.113.9, ::ffff:10.1.2.3" }, { trustedProxies })).toBe("203.0.113.9");
  });

  it("gives nothing when every hop is ours, when a hop is no address, and without the header", () => {
    expect(read({ "x-forwarded-for": "10.1.1.1, 10.2.2.2" }, { trustedProxies: ["10.0.0.0/8"] })).toBeUndefined();
    expect(read({ "x-forwarded-for": "6.6.6.6, unknown" })).toBeUndefined();
    expect(read({ "x-forwarded-for": "6.6.6.6," })).toBeUndefined();
    expect(read({})).toBeUndefined();
  });

  it.each([["203.0.113.9:4711", "203.0.113.9"], ["[2001:DB8::1]:4711", "2001:db8::1"], ["[2001:db8::1]", "2001:db8::1"], ["2001:db8::1", "2001:db8::1"], [
    "::ffff:203.0.113.9",
    "203.0.113.9",
  ]])(
    "reads the hop %s as %s",
    (hop, address) => {
      expect(read({ "x-forwarded-for": hop })).toBe(address);
    },
  );

  it("believes the platform's header alone when there is one", () => {
    const trust = { clientIpHeader: "cf-connecting-ip" };
    expect(read({ "cf-connecting-ip": "203.0.113.9", "x-forwarded-for": "6.6.6.6" }, trust)).toBe("203.0.113.9");
    expect(read({ "x-forwarded-for": "6.6.6.6" }, trust)).toBeUndefined();
    expect(read({ "cf-connecting-ip": "203.0.113.9, 6.6.6.6" }, trust)).toBeUndefined();
  });

  it("never depends on what stands left of the first hop that is not ours", () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[a-z0-9.]{0,9}$/))), (forged) => {
      expect(read({ "x-forwarded-for": [...forged, "203.0.113.9", "10.0.0.1"].join(", ") }, { trustedProxies: ["10.0.0.0/8"] })).toBe("203.0.113.9");
    }));
  });
});

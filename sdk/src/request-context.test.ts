import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deviceFingerprint } from "../../core/device-fingerprint.ts";
import { fromRequest } from "./request-context.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());

function request(headers: Record<string, string>): Request {
  return new Request("http://shop.example/", { headers });
}

describe("fromRequest()", () => {
  it("takes agent, request id and the fingerprint that the server would make", () => {
    for (const agent of ["Mozilla/5.0", "x".repeat(54), "x".repeat(55), "x".repeat(56), "ü".repeat(200)]) {
      const headers = { "user-agent": encodeURI(agent), "accept-language": "de", "x-request-id": "r-1" };
      const context = fromRequest(request(headers));
      expect(context).toMatchObject({ user_agent: encodeURI(agent).slice(0, 500), request_id: "r-1" });
      expect(context.device_fingerprint).toBe(deviceFingerprint(new Headers(headers), sha256));
    }
  });

  it("leaves out what is not there", () => {
    expect(fromRequest(new Request("http://a/"))).toEqual({});
  });

  it("counts trusted hops from the right, so that a client cannot choose its address", () => {
    const forwarded = request({ "x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.0.0.1" });
    expect(fromRequest(forwarded).ip_address).toBe("10.0.0.1");
    expect(fromRequest(forwarded, { trustedProxies: 2 }).ip_address).toBe("203.0.113.7");
    expect(fromRequest(forwarded, { trustedProxies: 0 }).ip_address).toBeUndefined();
    expect(fromRequest(request({ "cf-connecting-ip": "198.51.100.1", "x-forwarded-for": "6.6.6.6" }), { ipHeader: "CF-Connecting-IP" }).ip_address).toBe(
      "198.51.100.1",
    );
  });

  it("believes a proxy on the same network, and no header of a connection from the internet", () => {
    const headers = { "x-forwarded-for": "6.6.6.6", "user-agent": "curl" };
    expect(fromRequest({ headers, socket: { remoteAddress: "::ffff:10.1.2.3" } }).ip_address).toBe("6.6.6.6");
    expect(fromRequest({ headers, socket: { remoteAddress: "203.0.113.9" } }).ip_address).toBe("203.0.113.9");
  });

  it("takes off ports, brackets and zones", () => {
    const address = (hop: string) => fromRequest(request({ "x-forwarded-for": hop })).ip_address;
    expect(address("203.0.113.7:4711")).toBe("203.0.113.7");
    expect(address("[2001:DB8::1]:443")).toBe("2001:db8::1");
    expect(address("fe80::1%eth0")).toBe("fe80::1");
  });

  it("passes on nothing that the server would refuse the event for", () => {
    for (const hop of ["unknown", "999.1.1.1", "10.1", "0x7f.0.0.1", "010.0.0.1", "host.example", "1.2.3.4/24", "@1.2.3.4", "[::1", "::1]x"]) {
      expect(`${hop} ${fromRequest(request({ "x-forwarded-for": hop })).ip_address}`).toMatch(/ undefined$| ::1$/);
    }
  });

  it("passes on no request id that is longer than the server takes, whatever its letters", () => {
    const id = fromRequest(request({ "x-request-id": "\xe9".repeat(300) })).request_id ?? "";
    expect(new TextEncoder().encode(id).length).toBeLessThanOrEqual(255);
    expect(fromRequest(request({ "x-request-id": "a".repeat(150) })).request_id).toBe("a".repeat(150));
  });

  it("reads the trace id when there is no request id", () => {
    expect(fromRequest(request({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" })).request_id).toBe(
      "0af7651916cd43dd8448eb211c80319c",
    );
  });
});

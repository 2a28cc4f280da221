import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256 } from "../test/support/sha256.ts";
import { deviceFingerprint, fingerprintHeaders } from "./device-fingerprint.ts";

const browser = { "user-agent": "Mozilla/5.0", "accept-language": "de", "sec-ch-ua-platform": '"Linux"' };

describe("deviceFingerprint()", () => {
  it("hashes the lines that docs/format/event.md describes", () => {
    const lines = 'user-agent: Mozilla/5.0\naccept-language: de\nsec-ch-ua-platform: "Linux"\n';
    expect(deviceFingerprint(new Headers(browser), sha256)).toBe(createHash("sha256").update(lines).digest("hex"));
    const page = readFileSync(new URL("../docs/format/event.md", import.meta.url), "utf8");
    expect(page).toContain(fingerprintHeaders.map((name) => `\`${name}\``).join(", "));
  });

  it("changes with any of its headers and with no other", () => {
    const at = (headers: Record<string, string>) => deviceFingerprint(new Headers({ ...browser, ...headers }), sha256);
    for (const name of fingerprintHeaders) expect(at({ [name]: "other" })).not.toBe(at({}));
    for (const name of ["cookie", "x-forwarded-for", "authorization", "date", "content-length"]) expect(at({ [name]: "other" })).toBe(at({}));
  });

  it("is absent when the request has none of them", () => {
    expect(deviceFingerprint(new Headers({ "content-type": "application/json" }), sha256)).toBeUndefined();
  });
});

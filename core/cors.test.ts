import { describe, expect, it } from "vitest";
import { corsHeaders, preflight } from "./cors.ts";

const here = "https://app.example.com";
const ask = (origin?: string) =>
  new Request("http://x/", { method: "OPTIONS", headers: origin === undefined ? {} : { origin, "access-control-request-method": "POST" } });

describe("corsHeaders()", () => {
  it("lets every origin read when every origin may", () => {
    expect(corsHeaders("https://any.example", "*")).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-expose-headers": expect.stringContaining("x-request-id"),
    });
    expect(corsHeaders(null, "*")).toMatchObject({ "access-control-allow-origin": "*" });
  });

  it("lets a listed origin read, and tells caches that it depends", () => {
    expect(corsHeaders(here, [here])).toMatchObject({ "access-control-allow-origin": here, vary: "Origin" });
  });

  it.each([null, "null", "https://evil.example", "https://app.example.com.evil.example", "http://app.example.com"])(
    "gives %s no leave when it is not listed",
    (origin) => {
      expect(corsHeaders(origin, [here])).toEqual({ vary: "Origin" });
    },
  );
});

describe("preflight()", () => {
  it("allows the headers that producers in a browser send", async () => {
    const response = preflight(ask(here), [here], ["POST", "OPTIONS"]);
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(response.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS");
    const allowed = response.headers.get("access-control-allow-headers")?.split(", ");
    for (const name of ["authorization", "apikey", "content-type", "content-encoding", "x-client-info", "idempotency-key", "prefer"]) {
      expect(allowed).toContain(name);
    }
    expect(response.headers.has("access-control-allow-credentials")).toBe(false);
  });

  it("allows nothing to an origin that is not listed, yet says which methods there are", () => {
    const { headers } = preflight(ask("https://evil.example"), [here], ["POST", "OPTIONS"]);
    expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
    expect(headers.get("allow")).toBe("POST, OPTIONS");
  });
});

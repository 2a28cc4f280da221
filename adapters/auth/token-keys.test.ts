import { errors, exportJWK, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { fetchedTokenKeys } from "./token-keys.ts";

const url = "https://project.example/auth/v1/.well-known/jwks.json";
const jwkOf = async (kid: string) => ({ ...await exportJWK((await generateKeyPair("ES256")).publicKey), kid, alg: "ES256" });
const k1 = await jwkOf("k1");
const k2 = await jwkOf("k2");

/** A key source before an auth server whose keys, faults and clock the test holds. */
function harness() {
  const server = { keys: [k1], status: 200, requests: 0 };
  let time = Date.parse("2026-11-22T12:00:00Z");
  const source = fetchedTokenKeys(url, () => new Date(time), () => {
    server.requests++;
    return Promise.resolve(server.status === 200 ? Response.json({ keys: server.keys }) : new Response("no", { status: server.status }));
  });
  const ask = async (kid: string) => {
    try {
      await source({ alg: "ES256", kid }, { payload: "", signature: "" });
      return "found";
    } catch (error) {
      return error instanceof errors.JWKSNoMatchingKey ? "unknown" : error instanceof AuditError ? error.code : String(error);
    }
  };
  return { server, ask, wait: (ms: number) => time += ms };
}

describe("fetchedTokenKeys()", () => {
  it("asks once, however many tokens come", async () => {
    const { server, ask } = harness();
    expect(server.requests).toBe(0);
    expect(await Promise.all([ask("k1"), ask("k1"), ask("k1")])).toEqual(["found", "found", "found"]);
    expect(await ask("k1")).toBe("found");
    expect(server.requests).toBe(1);
  });

  it("refuses a removed key a minute later", async () => {
    const { server, ask, wait } = harness();
    await ask("k1");
    server.keys = [k2];
    wait(limits.jwksFreshMs - 1);
    expect(await ask("k1")).toBe("found");
    wait(1);
    expect(await ask("k1")).toBe("unknown");
    expect(limits.jwksFreshMs).toBeLessThanOrEqual(60_000);
  });

  it("asks again for an unknown key id, but not for each", async () => {
    const { server, ask, wait } = harness();
    await ask("k1");
    server.keys = [k1, k2];
    expect(await ask("k2")).toBe("unknown");
    expect(server.requests).toBe(1);
    wait(limits.jwksRefetchMs);
    expect(await ask("k2")).toBe("found");
    for (let guess = 0; guess < 100; guess++) expect(await ask(`guess-${guess}`)).toBe("unknown");
    expect(server.requests).toBe(2);
  });

  it("goes on with the last keys while the auth server is away, for ten minutes", async () => {
    const { server, ask, wait } = harness();
    await ask("k1");
    server.status = 500;
    wait(limits.jwksStaleMs - 1);
    expect(await ask("k1")).toBe("found");
    wait(1);
    expect(await ask("k1")).toBe("unavailable");
    server.status = 200;
    wait(limits.jwksRetryMs);
    expect(await ask("k1")).toBe("found");
  });

  it("is unavailable when there never was a key set, and asks at most every five seconds", async () => {
    const { server, ask, wait } = harness();
    server.status = 503;
    for (let attempt = 0; attempt < 10; attempt++) expect(await ask("k1")).toBe("unavailable");
    expect(server.requests).toBe(1);
    wait(limits.jwksRetryMs);
    server.status = 200;
    expect(await ask("k1")).toBe("found");
  });

  it("takes neither a redirect nor a page for a key set", async () => {
    for (const answer of [Response.redirect("https://attacker.example/", 302), new Response("<html>"), Response.json({ keys: "all" }), Response.json(null)]) {
      const source = fetchedTokenKeys(url, () => new Date(), () => Promise.resolve(answer));
      await expect(source({ alg: "ES256", kid: "k1" }, { payload: "", signature: "" })).rejects.toMatchObject({ code: "unavailable" });
    }
  });
});

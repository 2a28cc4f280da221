import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type Door, openDoor, tenantA } from "./door.ts";

describe("user tokens whose keys audit-logger fetches", () => {
  let database: TestDatabase;
  let auth: { server: Server; keys: unknown[]; status: number; location: string; requests: string[] };
  let door: Door;
  beforeAll(async () => void (database = await createDatabase()));
  afterAll(() => database.drop());

  beforeEach(async () => {
    auth = { server: createServer(), keys: [], status: 200, location: "", requests: [] };
    auth.server.on("request", (request, response) => {
      auth.requests.push(request.url ?? "");
      response.writeHead(auth.status, { "content-type": "application/json", location: auth.location }).end(JSON.stringify({ keys: auth.keys }));
    });
    auth.server.listen(0, "127.0.0.1");
    await once(auth.server, "listening");
    const url = `http://127.0.0.1:${(auth.server.address() as AddressInfo).port}`;
    door = await openDoor({ database, env: { SUPABASE_URL: url, SUPABASE_JWKS: "" } });
  });
  afterEach(async () => {
    await door.close();
    auth.server.closeAllConnections();
    auth.server.close();
  });

  /** A token of the auth server, by a key pair of its own that is published unless said otherwise. */
  async function issue(alg: string, options: { published?: boolean } = {}): Promise<string> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const kid = `${alg}-${crypto.randomUUID()}`;
    if (options.published !== false) auth.keys.push({ ...await exportJWK(publicKey), kid, alg });
    const { port } = auth.server.address() as AddressInfo;
    return await new SignJWT({ role: "authenticated", app_metadata: { tenant_id: tenantA } }).setProtectedHeader({ alg, kid })
      .setSubject("user").setIssuer(`http://127.0.0.1:${port}/auth/v1`).setAudience("authenticated").setIssuedAt().setExpirationTime("1h").sign(privateKey);
  }
  const statusOf = async (token: string) => (await door.post([{ event_type: "fetched.key" }], { authorization: `Bearer ${token}` })).status;

  it("are taken when signed by ES256, RS256 or EdDSA, after one question to the auth server", async () => {
    const tokens = [await issue("ES256"), await issue("RS256"), await issue("EdDSA")];
    for (const token of tokens) expect(await statusOf(token)).toBe(201);
    expect(auth.requests).toEqual(["/auth/v1/.well-known/jwks.json"]);
  });

  it("are refused by another algorithm, though its key is published", async () => {
    expect(await statusOf(await issue("PS256"))).toBe(401);
    expect(await statusOf(await issue("ES384"))).toBe(401);
  });

  it("are refused by a key that is not published, however often, without a question each", async () => {
    const good = await issue("ES256");
    expect(await statusOf(good)).toBe(201);
    for (let guess = 0; guess < 5; guess++) expect(await statusOf(await issue("ES256", { published: false }))).toBe(401);
    expect(auth.requests).toHaveLength(1);
  });

  it("are not judged by keys to which the auth server redirects", async () => {
    const token = await issue("ES256");
    const stranger = createServer((_request, response) => void response.end(JSON.stringify({ keys: auth.keys })));
    stranger.listen(0, "127.0.0.1");
    await once(stranger, "listening");
    [auth.status, auth.location] = [302, `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`];
    expect(await statusOf(token)).toBe(503);
    stranger.close();
  });

  it("cannot be judged while the auth server is away: 503 with Retry-After, not 401", async () => {
    const token = await issue("ES256");
    auth.status = 500;
    const away = await door.post([{ event_type: "fetched.key" }], { authorization: `Bearer ${token}` });
    expect([away.status, away.headers.get("retry-after")]).toEqual([503, "5"]);
  });
});

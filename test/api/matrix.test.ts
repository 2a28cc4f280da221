import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canary } from "../support/canary.ts";
import { publishableKey, secretKey, supabaseUrl } from "../support/tokens.ts";
import { forgedApiKeys, forgedClaims, forgedProjectKeys, forgedTenants } from "../support/forged-tokens-claims.ts";
import { forgedAlgorithms, forgedHeaders, forgedSignatures } from "../support/forged-tokens-jwt.ts";
import { createSigner, goodClaims, signedToken } from "../support/forged-tokens-signer.ts";
import { type Placement, routeRules, type Side, type World } from "./matrix-routes.ts";
import { type Service, startService, tenantA, tenantB } from "./service.ts";

/** A credential: which side it is good for, and with which scopes; `refusal` is the answer to one that is good for nothing. */
type Principal = {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: string | undefined;
  readonly scopes: readonly string[];
  readonly side: "own" | "foreign" | "none" | "any";
  readonly refusal?: number;
};

type Cell = { readonly route: string; readonly principal: string; readonly placement: string; readonly status: number | readonly number[] };

const canaryA = `alpha-${canary}`;
const canaryB = `bravo-${canary}`;

describe("every route × every principal × every place of a tenant", () => {
  const signer = createSigner();
  let service: Service;
  let world: World;
  let principals: readonly Principal[];

  beforeAll(async () => {
    // Streams end at once: every cell of the matrix reads its answer to the end.
    const brief = () => ({ streamBounds: { ms: 0, eventsMax: 0, bytesMax: 0 } });
    service = await startService({ env: { SUPABASE_JWKS: JSON.stringify(signer.jwks) }, replace: brief });
    const claims = goodClaims({ issuer: `${supabaseUrl}/auth/v1`, tenantId: tenantA });
    const token = (tenantId: string, role: string | undefined, sub: string) =>
      signedToken(signer, { ...claims, sub, app_metadata: { tenant_ids: [tenantId], audit_role: role } });
    const side = async (tenantId: string, canary: string, handle: string): Promise<Side> => {
      const event = {
        actor_id: handle,
        object_id: handle,
        source: canary,
        message: canary,
        context: { [canary]: canary },
        user_agent: canary,
        request_id: canary,
      };
      const [stored, taken] = await service.store(tenantId, [event, event, event]);
      const { json } = await service.ask("/events?limit=1", { as: token(tenantId, "viewer", "setup") });
      return {
        tenantId,
        canary,
        handle,
        eventId: stored?.id ?? "",
        occurredAt: stored?.occurred_at ?? "",
        takenId: taken?.id ?? "",
        cursor: (json as { readonly next_cursor: string }).next_cursor,
      };
    };
    world = { own: await side(tenantA, canaryA, "actor-alpha"), foreign: await side(tenantB, canaryB, "bactor-bravo") };

    const user = (name: string, role: string | undefined, scopes: readonly string[], tenantId = tenantA): Principal => ({
      name,
      headers: { authorization: `Bearer ${token(tenantId, role, `user-${name.replaceAll(" ", "-")}`)}` },
      scopes: ["ingest", ...scopes],
      side: tenantId === tenantA ? "own" : "foreign",
    });
    const key = async (
      name: string,
      scopes: readonly ("ingest" | "read" | "export" | "admin")[],
      opens: readonly string[],
      tenantId = tenantA,
    ): Promise<Principal> => ({
      name,
      headers: { apikey: (await service.makeKey(tenantId, scopes)).text },
      scopes: opens,
      side: tenantId === tenantA ? "own" : "foreign",
    });
    const revoked = await service.makeKey(tenantA, ["ingest", "admin"]);
    await service.admin.query("update audit_log.api_keys set revoked_at = now() where id = $1", [revoked.id]);
    const expired = await service.makeKey(tenantA, ["ingest", "admin"], { expiresAt: new Date(Date.now() - 1000).toISOString() });
    const foreignKey = await service.makeKey(tenantB, ["ingest", "admin"]);
    const scope = {
      issuer: `${supabaseUrl}/auth/v1`,
      tenantId: tenantA,
      otherTenantId: tenantB,
      secretKey,
      publishableKey,
      apiKeys: { revoked: revoked.text, expired: expired.text, mistyped: `${revoked.text.slice(0, -1)}_`, foreign: foreignKey.text },
      signer,
    };
    const nobody = [
      ...forgedAlgorithms(scope),
      ...forgedHeaders(scope),
      ...forgedSignatures(scope),
      ...forgedClaims(scope),
      ...forgedApiKeys(scope),
      ...forgedProjectKeys(scope),
    ];
    const everything = ["ingest", "read", "export", "admin"];
    const forged = (refusal: number, scopes: readonly string[]) => ({ foreign, ...forgery }: (typeof nobody)[number]): Principal =>
      foreign ? { ...forgery, scopes, side: "foreign" } : { ...forgery, scopes: [], side: "none", refusal };
    principals = [
      user("user without a role", undefined, []),
      user("viewer", "viewer", ["read"]),
      user("auditor", "auditor", ["read", "export"]),
      user("admin", "admin", ["read", "export", "admin"]),
      user("user with a made-up role", "owner", []),
      user("admin of the other tenant", "admin", ["read", "export", "admin"], tenantB),
      await key("ingest key", ["ingest"], ["ingest"]),
      await key("read key", ["read"], ["read"]),
      await key("export key", ["export"], ["read", "export"]),
      await key("admin key", ["admin"], ["read", "export", "admin"]),
      await key("admin key of the other tenant", ["ingest", "admin"], everything, tenantB),
      { name: "secret key", headers: { apikey: secretKey }, scopes: ["ingest"], side: "any" },
      ...nobody.map(forged(401, everything)),
      ...forgedTenants(scope).map(forged(403, ["ingest"])),
    ];
  });
  afterAll(() => service.stop());

  it("is declared for every route that the service has", () => {
    const routes = new Set(service.app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`));
    expect([...routes].sort()).toEqual(Object.keys(routeRules).sort());
  });

  it("has at least sixty forged credentials, and each kind that must be there", () => {
    const forgeries = principals.filter(({ side }) => side === "none").map(({ name }) => name).join("\n");
    expect(forgeries.split("\n").length).toBeGreaterThan(60);
    for (
      const kind of [/no credential/, /publishable key alone/, /^expired$/m, /issuer of another project/, /none/i, /HS256/, /user_metadata/, /API key: revoked/]
    ) {
      expect(forgeries).toMatch(kind);
    }
  });

  it("answers as declared, and shows no byte of another tenant", async () => {
    const cells: Cell[] = [];
    const answered: Cell[] = [];
    const leaks: Omit<Cell, "status">[] = [];
    for (const [route, rules] of Object.entries(routeRules)) {
      const [method = "GET", pattern = ""] = route.split(" ");
      const base = pattern.replace(/\/:.*$/, "");
      for (const principal of principals) {
        for (const placement of rules.placements(worldOf(principal, world))) {
          const cell = { route, principal: principal.name, placement: placement.name };
          cells.push({ ...cell, status: expectedStatus(rules.needs, principal, placement) });
          const response = await service.app.request(base + joinQuery(placement.path, principal.query), requestOf(method, principal, placement));
          const bytes = await bytesOf(response);
          answered.push({ ...cell, status: response.status });
          for (const side of [world.own, world.foreign]) {
            const may = rules.needs !== "public" && worldOf(principal, world).own === side && principal.side !== "none" && principal.side !== "any" &&
              principal.scopes.includes("read");
            if (!may && bytes.includes(side.canary)) leaks.push(cell);
          }
        }
      }
    }
    expect(leaks).toEqual([]);
    const differing = answered.map((cell, index) => ({ ...cell, declared: cells[index]?.status })).filter(({ status, declared }) =>
      ![declared].flat().includes(status as number)
    );
    expect(differing).toEqual([]);
    expect(cells.length).toBeGreaterThan(5_000);
    await service.settled();
    const { rows } = await service.admin.query(
      "select count(*)::int as foreign_rows from audit_log.events where tenant_id = $1 and principal not like 'secret:%' and event_type = 'matrix.posted' and context is not null",
      [tenantB],
    );
    expect(rows[0]?.foreign_rows).toBe(principals.filter(({ side, scopes }) => side === "foreign" && scopes.includes("ingest")).length);
  });

  it("refuses the placements of a credential of both tenants where it names none", async () => {
    const both = signedToken(signer, {
      ...goodClaims({ issuer: `${supabaseUrl}/auth/v1`, tenantId: tenantA }),
      app_metadata: { tenant_ids: [tenantA, tenantB], audit_role: "admin" },
    });
    for (const [route, { needs, placements }] of Object.entries(routeRules)) {
      if (needs === "public" || needs === "ingest") continue;
      const [method = "GET", pattern] = route.split(" ");
      const path = pattern?.replace("keys/:id", "keys/zzzzzzzzzzzz").replace(":id", world.own.eventId).replace(":size", "latest").replace(
        /consistency$/,
        "consistency?from=0",
      ) ?? "";
      const body = placements(world)[0]?.body;
      expect((await service.ask(`/${path}`, { as: both, method, body })).json, route).toMatchObject({
        code: "invalid_parameter",
        errors: [{ pointer: "tenant_id" }],
      });
    }
  });
});

/** For the other tenant's principals the two sides change places. */
function worldOf({ side }: Principal, { own, foreign }: World): World {
  return side === "foreign" ? { own: foreign, foreign: own } : { own, foreign };
}

function expectedStatus(needs: string, principal: Principal, placement: Placement): number | readonly number[] {
  if (needs === "public") return placement.status;
  if (principal.refusal !== undefined) return principal.refusal;
  if (!principal.scopes.includes(needs)) return 403;
  // A secret key may post for any tenant: nothing is foreign to it, but forged fields stay forged.
  if (principal.side === "any" && needs === "ingest" && ["foreign tenant", "own and foreign tenant"].includes(placement.name)) return 201;
  return placement.status;
}

function requestOf(method: string, principal: Principal, { body, headers }: Placement): RequestInit {
  const sent = { ...principal.headers, ...headers };
  return body === undefined ? { method, headers: sent } : { method, headers: { ...sent, "content-type": "application/json" }, body: JSON.stringify(body) };
}

function joinQuery(path: string, query: string | undefined): string {
  if (query === undefined) return path;
  return path.includes("?") ? `${path}&${query.slice(1)}` : `${path}${query}`;
}

/** Everything that came back, headers and body, as text whose bytes are kept; compressed Parquet is searched as its plain pages allow. */
async function bytesOf(response: Response): Promise<string> {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return headers + Buffer.from(await response.arrayBuffer()).toString("latin1");
}

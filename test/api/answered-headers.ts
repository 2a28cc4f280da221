import { once } from "node:events";
import { type HttpBindings, serve } from "@hono/node-server";
import { secretKey } from "../support/tokens.ts";
import { routeRules, type World } from "./matrix-routes.ts";
import type { Asked, Service } from "./service.ts";

/** An answer over HTTP: of which operation, as the OpenAPI document has it, and the names of its header fields that say something about it. */
export type Answered = { readonly operation: string; readonly status: string; readonly names: readonly string[] };

/** Fields of the connection, of CORS and of browsers' own protection: what every answer of any service may have. */
const ofNoOperation =
  /^(connection|keep-alive|date|content-length|content-type|transfer-encoding|access-control-.*|cross-origin-.*|origin-agent-cluster|referrer-policy|strict-transport-security|x-(accel-buffering|content-type-options|dns-prefetch-control|download-options|frame-options|permitted-cross-domain-policies|xss-protection))$/;

/** Asks `service` over HTTP, and keeps what was answered. */
export async function listening(service: Service, answered: Answered[]) {
  const fetchOf = (request: Request, { incoming }: HttpBindings) => service.app.fetch(request, { incoming });
  const server = serve({ fetch: fetchOf as Parameters<typeof serve>[0]["fetch"], hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  const root = `http://127.0.0.1:${typeof address === "object" ? address?.port : address}`;
  /** Asks for `route`, a key of `routeRules`; `path` follows what stands in the route before its first parameter. */
  const ask = async (route: string, path = "", { as, headers, body }: Asked = {}): Promise<number> => {
    const [method = "GET", pattern = ""] = route.split(" ");
    const sent = {
      ...as === undefined ? {} : { authorization: `Bearer ${as}` },
      ...body === undefined ? {} : { "content-type": "application/json" },
      ...headers,
    };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fetch(root + pattern.replace(/\/:.*$/, "") + path, { method, headers: sent, ...body === undefined ? {} : { body: text } });
    await answer.arrayBuffer();
    const names = [...answer.headers.keys()].filter((name) => !ofNoOperation.test(name));
    answered.push({ operation: `${method} ${pattern.replaceAll(/:(\w+)/g, "{$1}")}`, status: String(answer.status), names });
    return answer.status;
  };
  return { ask, close: () => new Promise((resolve) => server.close(resolve)) };
}

type Listening = Awaited<ReturnType<typeof listening>>;

/** Every route in every place of the matrix, with a credential that is good for it, with none, and with a parameter that is wrong everywhere. */
export async function askEverything({ ask }: Listening, world: World, admin: string): Promise<void> {
  for (const [route, { needs, placements }] of Object.entries(routeRules)) {
    const places = placements(world);
    const as = needs === "ingest" ? secretKey : needs === "public" ? undefined : admin;
    for (const { path, body, headers } of places) await ask(route, path, { as, body, headers: headers ?? {} });
    const [{ path = "", body } = {}] = places;
    if (needs !== "public") await ask(route, path, { body });
    await ask(route, `${path}${path.includes("?") ? "&" : "?"}tenant_id=none`, { as, body });
  }
}

/** A part of the service that is away: whatever is asked of it fails. */
export function away(fault: Error): never {
  const nothing: unknown = new Proxy(() => {}, {
    get: (_, name) => name === "then" ? undefined : nothing,
    apply: () => {
      throw fault;
    },
  });
  return nothing as never;
}

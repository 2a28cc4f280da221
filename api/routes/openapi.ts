import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import type { ApiEnv } from "../context.ts";
import { responseHeaders } from "../response-headers.ts";

const description = `Append-only audit events of many tenants: store, search, export and prove them. Credentials: a user's access token, an API key
\`aud_…\`, or, for storing only, the project's secret key. Refusals are RFC 9457 problems with a stable \`code\`.`;

const security = {
  bearer: { type: "http", scheme: "bearer", description: "a user's access token, an API key of ours, or the secret key" },
  apikey: { type: "apiKey", in: "header", name: "apikey", description: "an API key of ours, or the secret key" },
} as const;

/** The OpenAPI 3.1 document of `app`, made when it is first asked for from the schemas that validate requests. */
export function openApiDocument<Env extends ApiEnv>(app: Hono<Env>): () => Promise<unknown> {
  let document: Promise<unknown> | undefined;
  return () =>
    document ??= generateSpecs(app, {
      documentation: {
        openapi: "3.1.0",
        info: { title: "Audit Events", version: "1", description },
        components: { securitySchemes: security, headers: responseHeaders },
        security: [{ bearer: [] }, { apikey: [] }],
        servers: [{ url: "./", description: "where this document is" }],
      },
      // Refusals are described as the problems that they are.
      defaultValidationErrorResponse: false,
    });
}

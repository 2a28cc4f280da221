import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { ApiEnv } from "../context.ts";
import { type ApiDocument, docsPage } from "../docs/page.ts";
import { docsStyle } from "../docs/style.ts";

/** Nothing but the page's own stylesheet: no script, no picture, no font, no frame. */
const contentSecurityPolicy = { defaultSrc: ["'none'"], styleSrc: ["'self'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] };

/**
 * `GET /docs`, the reference for people, made from the OpenAPI document when it is first asked for. Hosted Edge Functions send HTML as plain text: there
 * the document is what tools read, and the page comes from a server.
 */
export function docsRoutes(document: () => Promise<unknown>) {
  let page: Promise<string> | undefined;
  return new Hono<ApiEnv>()
    .use("/docs/*", secureHeaders({ contentSecurityPolicy, referrerPolicy: "no-referrer", xFrameOptions: "DENY" }))
    .get("/docs", async (context) => {
      page ??= document().then((made) => docsPage(made as ApiDocument));
      return context.html(await page, 200, { "cache-control": "no-cache" });
    })
    .get("/docs/style.css", (context) => context.body(docsStyle, 200, { "content-type": "text/css; charset=utf-8", "cache-control": "no-cache" }));
}

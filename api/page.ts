import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";

/** What the page is told about where it is; see `Config` in web/src/config.ts. Nothing in it may be secret to those who open the page. */
export type PageConfig = { readonly api_url?: string; readonly supabase_url?: string; readonly [name: string]: unknown };

/** SHA-256 of the one style element that react-aria-components 1.22.1 adds by script (`touch-action` of what can be pressed). A browser test sees a breach. */
const pressableStyle = "'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o='";

/**
 * The events page from `folder` (web/dist), with `config` as its config.json. Scripts and styles come from here alone; connections go here and to
 * the services that the config names. Files whose names carry a hash may be kept for a year, the others are asked for each time.
 */
export function createPage(folder: string, config: PageConfig): Hono {
  const services = [config.api_url, config.supabase_url].filter((url) => typeof url === "string" && url !== "").map((url) => new URL(url as string).origin);
  const contentSecurityPolicy = {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", pressableStyle],
    imgSrc: ["'self'"],
    fontSrc: ["'self'"],
    connectSrc: ["'self'", ...services],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  };
  return new Hono()
    .use(secureHeaders({ contentSecurityPolicy, referrerPolicy: "no-referrer", xFrameOptions: "DENY" }))
    .get("/config.json", (context) => context.json(config, 200, { "cache-control": "no-store" }))
    .use("/assets/*", async (context, next) => {
      await next();
      if (context.res.status === 200) context.header("cache-control", "public, max-age=31536000, immutable");
    })
    .use(async (context, next) => {
      await next();
      if (context.res.headers.get("cache-control") === null) context.header("cache-control", "no-cache");
    })
    .get("/", serveStatic({ path: "index.html", root: folder }))
    .get("/icon.svg", serveStatic({ root: folder }))
    .get("/assets/*", serveStatic({ root: folder }));
}

/** True for the paths that the page answers: the service has none of them. */
export function isPagePath(path: string): boolean {
  return path === "/" || path === "/config.json" || path === "/icon.svg" || path.startsWith("/assets/");
}

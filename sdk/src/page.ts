import type { Engine } from "./engine.ts";
import { pump } from "./pump.ts";

/** Bodies of requests with `keepalive` may hold 64 KiB together (Fetch, section 4.5): the rest is room for other scripts. */
const keepaliveBytes = 56 * 1024;

/** In a page, sends what is queued when the page is hidden, which is the last thing a page is sure to see. Returns how to stop listening. */
export function flushWhenHidden(engine: Engine): () => void {
  const page = (globalThis as {
    readonly document?: EventTarget & { readonly visibilityState?: string };
  }).document;
  if (page?.visibilityState === undefined) return () => {};
  const changed = () => {
    engine.state.keepaliveBudget = page.visibilityState === "hidden" ? keepaliveBytes : undefined;
    pump(engine);
  };
  page.addEventListener("visibilitychange", changed);
  return () => page.removeEventListener("visibilitychange", changed);
}

import { type Engine, pumpSoon } from "./engine.ts";

/** In a page, sends what is queued when the page is hidden, which is the last thing a page is sure to see. Returns how to stop listening. */
export function flushWhenHidden(engine: Engine): () => void {
  const page = (globalThis as { readonly document?: EventTarget & { readonly visibilityState?: string } }).document;
  const changed = () => {
    engine.hidden = page?.visibilityState === "hidden";
    pumpSoon(engine);
  };
  page?.addEventListener("visibilitychange", changed);
  return () => page?.removeEventListener("visibilitychange", changed);
}

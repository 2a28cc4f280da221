import { type Engine, pumpSoon } from "./engine.ts";

/** In a page, sends what is queued when the page is hidden, which is the last thing a page is sure to see. A closed client has nothing to send. */
export function flushWhenHidden(engine: Engine): void {
  const page = (globalThis as { readonly document?: EventTarget & { readonly visibilityState?: string } }).document;
  page?.addEventListener("visibilitychange", () => {
    engine.hidden = page.visibilityState === "hidden";
    pumpSoon(engine);
  });
}

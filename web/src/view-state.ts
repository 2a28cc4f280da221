import { useCallback, useSyncExternalStore } from "react";

/** Ranges by name: they move with the clock, absolute ones do not. */
export const presets = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;
export type Preset = keyof typeof presets;

/** All that a link to a view carries. The address is the state: what is not in it, a colleague would not see. */
export type View = {
  readonly page: "events" | "integrity";
  readonly q: string;
  readonly range: Preset | "custom";
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly tenant: string | undefined;
  readonly zone: "utc" | "local";
  /** The open event and its time. */
  readonly event: string | undefined;
  readonly at: string | undefined;
};

const changed = new EventTarget();

export function useView(): readonly [View, (change: Partial<View>, options?: { readonly replace?: boolean }) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const update = useCallback((change: Partial<View>, options: { readonly replace?: boolean } = {}) => {
    const next = searchOf({ ...viewOf(location.search), ...change });
    if (next === location.search) return;
    history[options.replace ? "replaceState" : "pushState"](null, "", `${location.pathname}${next}`);
    changed.dispatchEvent(new Event("change"));
  }, []);
  return [viewOf(search), update];
}

export function viewOf(search: string): View {
  const parameters = new URLSearchParams(search);
  const text = (name: string) => parameters.get(name) || undefined;
  const from = text("from");
  const to = text("to");
  const preset = parameters.get("range") ?? "";
  return {
    page: parameters.get("page") === "integrity" ? "integrity" : "events",
    q: parameters.get("q") ?? "",
    range: from !== undefined || to !== undefined ? "custom" : preset in presets ? preset as Preset : "7d",
    from,
    to,
    tenant: text("tenant"),
    zone: parameters.get("zone") === "local" ? "local" : "utc",
    event: text("event"),
    at: text("at"),
  };
}

export function searchOf(view: View): string {
  const parameters = new URLSearchParams();
  const put = (name: string, value: string | undefined) => value !== undefined && value !== "" && parameters.set(name, value);
  if (view.page !== "events") put("page", view.page);
  put("q", view.q);
  if (view.range !== "7d" && view.range !== "custom") put("range", view.range);
  if (view.range === "custom") {
    put("from", view.from);
    put("to", view.to);
  }
  put("tenant", view.tenant);
  if (view.zone === "local") put("zone", "local");
  put("event", view.event);
  put("at", view.at);
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** The window in the API's terms; a preset ends now, so nothing is said of its end. */
export function windowOf(view: View): { readonly from: string | undefined; readonly to: string | undefined } {
  if (view.range === "custom") return { from: view.from, to: view.to };
  return { from: new Date(Math.floor((Date.now() - presets[view.range]) / 60_000) * 60_000).toISOString(), to: undefined };
}

function subscribe(notify: () => void): () => void {
  addEventListener("popstate", notify);
  changed.addEventListener("change", notify);
  return () => {
    removeEventListener("popstate", notify);
    changed.removeEventListener("change", notify);
  };
}

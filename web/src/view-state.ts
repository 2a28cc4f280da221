import { useCallback, useMemo, useSyncExternalStore } from "react";

/** Ranges by name: they move with the clock, absolute ones do not. */
export const presets = { "15m": 900_000, "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000, "90d": 7_776_000_000 } as const;
export type Preset = keyof typeof presets;

export const pages = ["events", "integrity", "producers", "archives", "report", "retention", "keys"] as const;
export type PageName = (typeof pages)[number];

/** Seconds between automatic refreshes that can be chosen. */
export const refreshSeconds = [10, 30, 60, 300] as const;

/** All that a link to a view carries. The address is the state: what is not in it, a colleague would not see. */
export type View = {
  readonly page: PageName;
  readonly q: string;
  readonly range: Preset | "custom";
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly tenant: string | undefined;
  readonly zone: "utc" | "local";
  readonly live: boolean;
  /** Seconds between refreshes; 0 for none. */
  readonly refresh: number;
  /** Softly deleted events are shown too: for admins. */
  readonly deleted: boolean;
  /** The open event and its time. */
  readonly event: string | undefined;
  readonly at: string | undefined;
};

export type SetView = (change: Partial<View>, options?: { readonly replace?: boolean }) => void;

const changed = new EventTarget();

export function useView(): readonly [View, SetView] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const update = useCallback((change: Partial<View>, options: { readonly replace?: boolean } = {}) => {
    const next = searchOf({ ...viewOf(location.search), ...change });
    if (next === location.search) return;
    history[options.replace ? "replaceState" : "pushState"](null, "", `${location.pathname}${next}`);
    changed.dispatchEvent(new Event("change"));
  }, []);
  return [useMemo(() => viewOf(search), [search]), update];
}

export function viewOf(search: string): View {
  const parameters = new URLSearchParams(search);
  const text = (name: string) => parameters.get(name) || undefined;
  const from = text("from");
  const to = text("to");
  const preset = parameters.get("range") ?? "";
  const refresh = Number(parameters.get("refresh"));
  return {
    page: pages.find((name) => name === parameters.get("page")) ?? "events",
    q: parameters.get("q") ?? "",
    range: from !== undefined || to !== undefined ? "custom" : Object.hasOwn(presets, preset) ? preset as Preset : "7d",
    from,
    to,
    tenant: text("tenant"),
    zone: parameters.get("zone") === "local" ? "local" : "utc",
    live: parameters.get("live") === "1",
    refresh: refreshSeconds.find((seconds) => seconds === refresh) ?? 0,
    deleted: parameters.get("deleted") === "1",
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
  if (view.live) put("live", "1");
  if (view.refresh > 0) put("refresh", String(view.refresh));
  if (view.deleted) put("deleted", "1");
  put("event", view.event);
  put("at", view.at);
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** The window in the API's terms; a preset ends now, so nothing is said of its end. Whole minutes, so that asking twice is asking the same. */
export function windowOf(view: Pick<View, "range" | "from" | "to">): { readonly from: string | undefined; readonly to: string | undefined } {
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

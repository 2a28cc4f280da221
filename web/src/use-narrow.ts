import { useSyncExternalStore } from "react";

/** The same as in the styles: an open event covers a window as narrow as this. */
const narrow = matchMedia("(max-width: 40rem)");

/** Whether the window is narrow, a phone's or one that is magnified; follows it. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}

function subscribe(notify: () => void): () => void {
  narrow.addEventListener("change", notify);
  return () => narrow.removeEventListener("change", notify);
}

import { isAtLeast, type Role } from "../session/session.ts";
import type { PageName } from "../view-state.ts";

export type Place = { readonly page: PageName; readonly label: string; readonly least: Role };

/** The views, and who may open them: the same as the API lets read what they show. */
const places: readonly Place[] = [
  { page: "events", label: "Events", least: "viewer" },
  { page: "producers", label: "Producers", least: "viewer" },
  { page: "integrity", label: "Integrity", least: "auditor" },
  { page: "report", label: "Report", least: "auditor" },
  { page: "archives", label: "Archives", least: "auditor" },
  { page: "retention", label: "Retention and holds", least: "auditor" },
  { page: "keys", label: "API keys", least: "admin" },
];

export function placesFor(role: Role): readonly Place[] {
  return places.filter(({ least }) => isAtLeast(role, least));
}

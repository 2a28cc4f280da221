/** What a `Prefer` header asks for, RFC 7240, as far as we know it. */
export type Preferences = { readonly strict: boolean; readonly respondAsync: boolean; readonly minimal: boolean };

// Commas inside a quoted string divide nothing, RFC 9110 section 5.6.1; one that is not closed reaches to the end.
const member = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;

/** The preferences in a `Prefer` header; unknown ones are ignored (section 2), and of one given twice the first counts. */
export function parsePrefer(header: string | null): Preferences {
  const given = new Map<string, string>();
  for (const [preference] of (header ?? "").matchAll(member)) {
    const [name = "", value = ""] = (preference.split(";")[0] ?? "").split("=").map((part) => part.trim().toLowerCase());
    if (!given.has(name)) given.set(name, value.replace(/^"(.*)"$/, "$1"));
  }
  return { strict: given.get("handling") === "strict", respondAsync: given.has("respond-async"), minimal: given.get("return") === "minimal" };
}

/** The `Preference-Applied` header of an answer that honoured `applied`; undefined when there is nothing to say. */
export function preferenceApplied(applied: Preferences): string | undefined {
  const words = [applied.strict && "handling=strict", applied.respondAsync && "respond-async", applied.minimal && "return=minimal"];
  return words.filter((word) => word !== false).join(", ") || undefined;
}

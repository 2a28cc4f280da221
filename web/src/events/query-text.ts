/** Fields of the form, with the keys that mean each in the query language; the first is the one that is written. */
export const formKeys = {
  action: ["action", "type", "event_type", "operation_type"],
  source: ["source"],
  result: ["result"],
  actor: ["actor", "actor_id", "operator"],
  object: ["object", "object_id"],
  object_type: ["object_type"],
  ip: ["ip", "ip_address"],
} as const;
export type FormKey = keyof typeof formKeys;

/** A term as it stands in the text: `raw` is what follows the colon. */
type Token = { readonly start: number; readonly end: number; readonly key: string; readonly raw: string };

/** Terms of `text` outside quotes; a term may hold quoted values. Negated terms have no key here: the form cannot show them. */
function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g)) {
    const [, key, raw] = /^([a-z_]+):(.*)$/s.exec(match[0]) ?? [];
    if (key !== undefined && raw !== undefined) found.push({ start: match.index, end: match.index + match[0].length, key, raw });
  }
  return found;
}

function tokenOf(text: string, key: FormKey): Token | undefined {
  return tokens(text).find((token) => (formKeys[key] as readonly string[]).includes(token.key));
}

/** True when `text` asks for exactly `value` in the field `key`. */
export function hasTerm(text: string, key: FormKey, value: string): boolean {
  const raw = tokenOf(text, key)?.raw;
  return raw !== undefined && (raw === literal(value) || unquoted(raw) === value);
}

/** `text` with the field `key` set to `value` itself, in its place when it was there, at the end when not, gone when `value` is empty. */
export function withTerm(text: string, key: FormKey, value: string): string {
  return replaced(text, key, value === "" ? "" : literal(value));
}

/** What the form's field `key` shows for `text`: what somebody would type there for the same. */
export function typedOf(text: string, key: FormKey): string {
  const raw = tokenOf(text, key)?.raw ?? "";
  const value = unquoted(raw);
  // What would be trimmed, or taken for a prefix or alternatives, keeps its marks.
  return value !== undefined && value !== "" && value.trim() === value && termOfTyped(value) === literal(value) ? value : raw;
}

/** `text` with the field `key` set to what somebody typed there: commas part alternatives, and a star ends a prefix, as in the query itself. */
export function withTyped(text: string, key: FormKey, typed: string): string {
  return replaced(text, key, typed.trim() === "" ? "" : termOfTyped(typed.trim()));
}

/** `value` as a value of the query language that means it and nothing more. */
export function literal(value: string): string {
  return /^[^\s",:\\<>*-][^\s",:\\<>*]*$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

const alternatives = /^(?:"(?:[^"\\]|\\.)*"\*?|[^\s",:\\<>*-][^\s",:\\<>*]*\*?)(?:,(?:"(?:[^"\\]|\\.)*"\*?|[^\s",:\\<>*]+\*?))*$/;

function termOfTyped(typed: string): string {
  if (alternatives.test(typed)) return typed;
  return typed.length > 1 && typed.endsWith("*") ? `${literal(typed.slice(0, -1))}*` : literal(typed);
}

/** The text between quotation marks when `raw` is one value in them. */
function unquoted(raw: string): string | undefined {
  return /^"((?:[^"\\]|\\.)*)"?$/s.exec(raw)?.[1]?.replace(/\\(.)/gs, "$1");
}

function replaced(text: string, key: FormKey, raw: string): string {
  const term = raw === "" ? "" : `${formKeys[key][0]}:${raw}`;
  const token = tokenOf(text, key);
  const [before, after] = token === undefined ? [text, ""] : [text.slice(0, token.start), text.slice(token.end)];
  return [before.trim(), term, after.trim()].filter((part) => part !== "").join(" ");
}

/** Fields of the form and the key that each has in the query language. */
export const formKeys = {
  action: "action",
  source: "source",
  result: "result",
  actor: "actor",
  object: "object",
  object_type: "object_type",
  ip: "ip",
} as const;
export type FormKey = keyof typeof formKeys;

type Token = { readonly start: number; readonly end: number; readonly key: string | undefined; readonly value: string };

/** Terms of `text` outside quotes; a term may hold a quoted value. Negated terms have no key here: the form cannot show them. */
function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g)) {
    const colon = /^([a-z_]+):(.*)$/s.exec(match[0]);
    found.push({ start: match.index, end: match.index + match[0].length, key: colon?.[1], value: colon === null ? match[0] : unquote(colon[2] as string) });
  }
  return found;
}

/** What the form's field `key` shows for `text`: the value of the term, or nothing. */
export function termOf(text: string, key: FormKey): string {
  return tokens(text).find((token) => token.key === formKeys[key])?.value ?? "";
}

/** `text` with the term of `key` set to `value`, in its place when it was there, at the end when not, gone when `value` is empty. */
export function withTerm(text: string, key: FormKey, value: string): string {
  const term = value.trim() === "" ? "" : `${formKeys[key]}:${quote(value.trim())}`;
  const token = tokens(text).find((candidate) => candidate.key === formKeys[key]);
  const [before, after] = token === undefined ? [text, ""] : [text.slice(0, token.start), text.slice(token.end)];
  return [before.trim(), term, after.trim()].filter((part) => part !== "").join(" ");
}

function quote(value: string): string {
  return /^[^\s",:\\<>]+$/.test(value) && !value.startsWith("-") ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.replace(/^"|"$/g, "").replace(/\\(.)/g, "$1") : value;
}

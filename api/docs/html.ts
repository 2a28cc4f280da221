const made = Symbol("html");

/** Text that is markup already. Nothing else gets into a page unescaped. */
export type Html = { readonly [made]: string };

type Piece = Html | readonly Html[];

/** Markup with pieces of markup in it; the types let no bare string in. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const inner = pieces.map((piece) => (Array.isArray(piece) ? piece as readonly Html[] : [piece as Html]).map((one) => one[made]).join(""));
  return { [made]: strings.map((string, index) => string + (inner[index] ?? "")).join("") };
}

/** `value` as text: what stands between backticks as code, the rest with its markup escaped. */
export function text(value: string): Html {
  const escaped = value.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return { [made]: escaped.replaceAll(/`([^`\n]+)`/g, "<code>$1</code>") };
}

/** The page as it is sent. */
export function htmlText(page: Html): string {
  return page[made];
}

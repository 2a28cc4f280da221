/** A term as it stands in the text of a query, before its key is known to mean anything. `position` counts UTF-16 code units from 0. */
export type Term = {
  readonly position: number;
  readonly length: number;
  readonly negated: boolean;
  /** Absent for free words. */
  readonly key: string | undefined;
  readonly values: readonly TermValue[];
};

/** One value of a term. `quoted` text is taken as it is; `prefix` says that a star followed. */
export type TermValue = { readonly text: string; readonly quoted: boolean; readonly prefix: boolean; readonly position: number };

/** What is wrong at a place of a query, and what to write instead. Neither repeats what was written. */
export type QueryFault = { readonly position: number; readonly length: number; readonly message: string; readonly hint: string };

const space = /\s/;
const keyForm = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Splits `text` into terms: `key:value,value`, `"quoted words"` and plain words, each with `-` before it when it is negated. */
export function scanQuery(text: string): { readonly terms: readonly Term[]; readonly faults: readonly QueryFault[] } {
  const terms: Term[] = [];
  const faults: QueryFault[] = [];
  let at = 0;
  while (at < text.length) {
    if (space.test(text.charAt(at))) at++;
    else {
      const { term, end } = scanTerm(text, at, faults);
      if (term !== undefined) terms.push(term);
      at = end;
    }
  }
  return { terms, faults };
}

function scanTerm(text: string, start: number, faults: QueryFault[]): { readonly term: Term | undefined; readonly end: number } {
  const negated = text.charAt(start) === "-";
  let at = negated ? start + 1 : start;
  const key = keyAt(text, at);
  if (key !== undefined) at += key.length + 1;
  const values: TermValue[] = [];
  for (;;) {
    const { value, end } = scanValue(text, at, key !== undefined, faults);
    if (value !== undefined) values.push(value);
    at = end;
    if (key === undefined || text.charAt(at) !== ",") break;
    at++;
  }
  if (values.length === 0) return { term: undefined, end: at };
  return { term: { position: start, length: at - start, negated, key, values }, end: at };
}

/** The key that stands before a colon at `at`, if one does. */
function keyAt(text: string, at: number): string | undefined {
  const colon = text.indexOf(":", at);
  const key = colon < 0 ? "" : text.slice(at, colon);
  return keyForm.test(key) ? key : undefined;
}

function scanValue(text: string, start: number, keyed: boolean, faults: QueryFault[]): { readonly value: TermValue | undefined; readonly end: number } {
  if (text.charAt(start) === '"') return scanQuoted(text, start, faults);
  let end = start;
  while (end < text.length && !space.test(text.charAt(end)) && !(keyed && text.charAt(end) === ",") && text.charAt(end) !== '"') end++;
  const word = text.slice(start, end);
  const prefix = keyed && word.endsWith("*");
  const bare = prefix ? word.slice(0, -1) : word;
  if (word === "") {
    faults.push({ position: start, length: 0, message: "a value is missing", hint: 'write one, like actor:alice or actor:"Alice B"' });
    return { value: undefined, end };
  }
  if (keyed && bare.includes("*")) {
    const position = start + bare.indexOf("*");
    faults.push({ position, length: 1, message: "a star may only stand at the end", hint: 'write order.* for a prefix, or quote the value: "a*b"' });
    return { value: undefined, end };
  }
  if (text.charAt(end) === '"') {
    faults.push({ position: end, length: 1, message: "a quotation mark stands inside a word", hint: 'quote the whole value and write \\" for a mark in it' });
    return { value: undefined, end: endOfWord(text, end) };
  }
  return { value: { text: bare, quoted: false, prefix, position: start }, end };
}

function scanQuoted(text: string, start: number, faults: QueryFault[]): { readonly value: TermValue | undefined; readonly end: number } {
  let value = "";
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') {
    if (text.charAt(at) === "\\" && /["\\]/.test(text.charAt(at + 1))) at++;
    value += text.charAt(at);
    at++;
  }
  if (at >= text.length) {
    faults.push({ position: start, length: text.length - start, message: "a quotation mark is not closed", hint: 'put a second " after the value' });
    return { value: undefined, end: text.length };
  }
  at++;
  const prefix = text.charAt(at) === "*";
  if (prefix) at++;
  if (at < text.length && !space.test(text.charAt(at)) && text.charAt(at) !== ",") {
    faults.push({
      position: at,
      length: 1,
      message: "text follows a closing quotation mark",
      hint: 'put a space between, or write \\" for a mark in the value',
    });
    return { value: undefined, end: endOfWord(text, at) };
  }
  return { value: { text: value, quoted: true, prefix, position: start }, end: at };
}

function endOfWord(text: string, start: number): number {
  let end = start;
  while (end < text.length && !space.test(text.charAt(end))) end++;
  return end;
}

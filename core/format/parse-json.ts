/**
 * The value of a JSON text, RFC 8259, as `JSON.parse` should give it. V8's gives an object's key wrongly when the key is written with an escape and an
 * earlier object, anywhere in the process, had a key that looks like the escape's first characters: after `{"a": 1, "\\": 1}` it reads the key `"\""` of
 * `{"a": 1, "\"": 1}` as `\` (nodejs/node issue 63785; every version that we run on). One tenant could so change what another one's events say.
 * Texts with such keys are therefore read here; all others by `JSON.parse`. Throws SyntaxError; depth is bounded by the stack, so count it before.
 */
export function parseJsonText(text: string): unknown {
  return hasEscapedKey(text) ? readDocument(text) : JSON.parse(text);
}

/** True when a key of `text` is written with an escape. Outside strings JSON has no backslash, so each one leads to the end of its string. */
function hasEscapedKey(text: string): boolean {
  let escape = text.indexOf("\\");
  while (escape !== -1) {
    let end = escape;
    while (end < text.length && text.charCodeAt(end) !== quote) end += text.charCodeAt(end) === backslash ? 2 : 1;
    space.lastIndex = end + 1;
    space.test(text);
    if (text[space.lastIndex] === ":") return true;
    escape = text.indexOf("\\", end + 1);
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const space = /[ \t\n\r]*/y;
// deno-lint-ignore no-control-regex
const string = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** A text and how much of it was read. */
type Reader = { readonly text: string; at: number };

function readDocument(text: string): unknown {
  const reader = { text, at: 0 };
  const value = readValue(reader);
  if (peek(reader) !== undefined) throw malformed();
  return value;
}

function readValue(reader: Reader): unknown {
  const first = peek(reader);
  if (first === "{") return readObject(reader);
  if (first === "[") return readList(reader);
  return first === '"' ? readString(reader) : readScalar(reader);
}

function readObject(reader: Reader): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  readMembers(reader, "}", () => {
    const key = readString(reader);
    expect(reader, ":");
    const value = readValue(reader);
    // Assigning would set the prototype.
    if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    else object[key] = value;
  });
  return object;
}

function readList(reader: Reader): unknown[] {
  const list: unknown[] = [];
  readMembers(reader, "]", () => list.push(readValue(reader)));
  return list;
}

/** Reads members divided by commas, from the opening bracket to `close`. */
function readMembers(reader: Reader, close: string, readMember: () => void): void {
  reader.at++;
  if (peek(reader) === close) {
    reader.at++;
    return;
  }
  while (true) {
    readMember();
    if (peek(reader) === close) break;
    expect(reader, ",");
  }
  reader.at++;
}

function readScalar(reader: Reader): number | boolean | null {
  const found = token(reader, scalar);
  return found === "null" ? null : found === "true" ? true : found === "false" ? false : Number(found);
}

/** A string alone has no keys, so V8 reads its escapes right, and refuses wrong ones. */
function readString(reader: Reader): string {
  peek(reader);
  const found = token(reader, string);
  return found.includes("\\") ? JSON.parse(found) as string : found.slice(1, -1);
}

function token(reader: Reader, form: RegExp): string {
  form.lastIndex = reader.at;
  const [found] = form.exec(reader.text) ?? [];
  if (found === undefined) throw malformed();
  reader.at += found.length;
  return found;
}

/** The next character that is no white space. */
function peek(reader: Reader): string | undefined {
  space.lastIndex = reader.at;
  space.test(reader.text);
  reader.at = space.lastIndex;
  return reader.text[reader.at];
}

function expect(reader: Reader, character: string): void {
  if (peek(reader) !== character) throw malformed();
  reader.at++;
}

function malformed(): SyntaxError {
  return new SyntaxError("parse JSON: text is not JSON");
}

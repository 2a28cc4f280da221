const token = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^ \t\n\r{}[\],:"]+))/y;

/**
 * The value of a JSON text (RFC 8259). V8's JSON.parse mistakes some keys that are written with escapes for others it has seen before (nodejs/node
 * issue 63785), so texts that have such keys are read here, token by token. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  if (!hasEscapedKey(text)) return JSON.parse(text);
  token.lastIndex = 0;
  let next = read(text);
  const take = (): string => {
    const taken = next;
    next = read(text);
    return taken;
  };
  const value = (): unknown => {
    const first = take();
    if (first === "[") return members("]", value);
    // Strings and scalars alone have no keys to be mistaken.
    if (first !== "{") return JSON.parse(first);
    return Object.fromEntries(members("}", () => {
      const key = JSON.parse(take());
      if (typeof key !== "string" || take() !== ":") throw new SyntaxError("parse JSON: a member has no key");
      return [key, value()] as const;
    }));
  };
  const members = <T>(end: string, member: () => T): T[] => {
    const found: T[] = [];
    for (let isOpen = next !== end; isOpen; isOpen = next === "," && take() === ",") found.push(member());
    if (take() !== end) throw new SyntaxError(`parse JSON: ${end} is missing`);
    return found;
  };
  const whole = value();
  if (next !== "") throw new SyntaxError("parse JSON: text goes on after its value");
  return whole;
}

/** The next token; an empty one at the end. */
function read(text: string): string {
  const start = token.lastIndex;
  const match = token.exec(text);
  if (match !== null) return match[1] ?? match[2] ?? match[3] ?? "";
  if (text.slice(start).trim() !== "") throw new SyntaxError("parse JSON: a token is not valid");
  token.lastIndex = text.length;
  return "";
}

/** True when a string before a colon has an escape. Each character is looked at once: a pattern would try every escape of a long text as the key's. */
function hasEscapedKey(text: string): boolean {
  if (!text.includes("\\")) return false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    let isEscaped = false;
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] !== "\\") continue;
      isEscaped = true;
      at++;
    }
    at++;
    while (at < text.length && " \t\n\r".includes(text[at] as string)) at++;
    if (isEscaped && text[at] === ":") return true;
  }
  return false;
}

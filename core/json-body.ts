import { AuditError } from "./errors.ts";
import { parseJsonText } from "./format/parse-json.ts";

/** Throws `unsupported_media_type` unless `contentType` is application/json in UTF-8, RFC 9110 section 8.3. */
export function requireJson(contentType: string | null): void {
  const [type, ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.map((parameter) => /^charset="?([^"]*)"?$/.exec(parameter)?.[1]).find((name) => name !== undefined);
  if (type === "application/json" && (charset === undefined || charset === "utf-8" || charset === "utf8")) return;
  throw new AuditError("unsupported_media_type", "read body: Content-Type must be application/json, in UTF-8");
}

/**
 * The JSON value in `bytes`, which must be UTF-8; a byte-order mark is ignored, as RFC 8259 section 8.1 allows. Nesting is counted before parsing:
 * a parser survives a million levels, what comes after it does not. Throws `invalid_utf8`, `body_too_deep`, `malformed_json`; never repeats input.
 */
export function parseJson(bytes: Uint8Array, depthMax: number): unknown {
  const text = decoded(bytes);
  if (nestsDeeper(bytes, depthMax)) throw new AuditError("body_too_deep", `parse body: it nests more than ${depthMax} levels; flatten context`);
  if (text.trim() === "") throw new AuditError("malformed_json", 'parse body: it is empty; send {"events": […]}');
  try {
    return parseJsonText(text);
  } catch {
    // The parser's own message quotes the body.
    throw new AuditError("malformed_json", "parse body: it is not JSON");
  }
}

const lenient = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });

function decoded(bytes: Uint8Array): string {
  // The lenient decoder takes a quarter of the time. It puts U+FFFD where something is wrong, and hardly a body holds that character itself.
  const text = lenient.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return strict.decode(bytes);
  } catch {
    throw new AuditError("invalid_utf8", "parse body: it is not UTF-8");
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** True when brackets outside strings nest deeper than `depthMax`. Bytes of UTF-8 above 0x7f are never any of these characters. */
function nestsDeeper(bytes: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === quote) index = endOfString(bytes, index);
    else if (byte === openBrace || byte === openBracket) {
      if (++depth > depthMax) return true;
    } else if (byte === closeBrace || byte === closeBracket) depth--;
  }
  return false;
}

/** Where the string that begins at `start` ends; past the end when it does not. */
function endOfString(bytes: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < bytes.length && bytes[index] !== quote) index += bytes[index] === backslash ? 2 : 1;
  return index;
}

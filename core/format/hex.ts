const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** `bytes` in lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += pairs[bytes[index] as number];
  return text;
}

/** True if `text` is `bytes` in lower-case hexadecimal; compared digit by digit, since making either into the other costs ten times as much. */
export function isHex(bytes: Uint8Array, text: string): boolean {
  if (text.length !== bytes.length * 2) return false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    if (text.charCodeAt(2 * index) !== digits[byte >> 4] || text.charCodeAt(2 * index + 1) !== digits[byte & 15]) return false;
  }
  return true;
}

const digits = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

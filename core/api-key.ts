import { crc32 } from "./format/crc32.ts";

/** A key's parts: `id` may be shown and logged, `text` is the whole secret. */
export type ApiKey = { readonly id: string; readonly text: string };

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
const form = /^aud_([0-9a-z]{12})_[0-9A-Za-z]{32}([0-9A-Za-z]{6})$/;
const checksumLength = 6;

/**
 * A new key `aud_<id>_<32 characters><checksum>`: 190 random bits. The prefix and the CRC-32 at the end let secret scanners recognise a leaked key,
 * and us refuse a mistyped one, without a look into the database.
 */
export function makeApiKey(randomBytes: (length: number) => Uint8Array): ApiKey {
  const id = randomText(12, idDigits, randomBytes);
  const body = `aud_${id}_${randomText(32, digits, randomBytes)}`;
  return { id, text: body + checksumOf(body) };
}

/** The parts of a key whose form and checksum are right; undefined for any other text. It says nothing about whether the key was ever issued. */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, id, checksum] = form.exec(text) ?? [];
  return id !== undefined && checksumOf(text.slice(0, -checksumLength)) === checksum ? { id, text } : undefined;
}

/** CRC-32 of `body` as six base-62 digits, the highest first. */
function checksumOf(body: string): string {
  let rest = crc32(new TextEncoder().encode(body));
  let text = "";
  for (let place = 0; place < checksumLength; place++) {
    text = digits.charAt(rest % digits.length) + text;
    rest = Math.floor(rest / digits.length);
  }
  return text;
}

/** Every digit as likely as any other: bytes past the last whole multiple of the alphabet's size are thrown away. */
function randomText(length: number, alphabet: string, randomBytes: (length: number) => Uint8Array): string {
  const usable = 256 - 256 % alphabet.length;
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < usable && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

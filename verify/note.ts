import { equalBytes, fromBase64, fromHex, toHex } from "./bytes.ts";

/** A public key, read from its text form `<name>+<8 hex digits>+<Base 64>`, C2SP signed-note. */
export type PublicKey = { readonly text: string; readonly name: string; readonly bytes: Uint8Array };

type SignatureLine = { readonly name: string; readonly id: Uint8Array; readonly signature: Uint8Array };

/** A note taken apart, C2SP signed-note "Format": its text, newline included, and its signature lines. */
export type Note = { readonly text: string; readonly lines: readonly SignatureLine[] };

const utf8 = new TextEncoder();

/** Key id of a signature type: the first four bytes of SHA-256(name ‖ newline ‖ type ‖ key). */
async function keyId(key: Pick<PublicKey, "name" | "bytes">, type: number): Promise<Uint8Array> {
  const named = utf8.encode(`${key.name}\n`);
  const input = new Uint8Array(named.length + 1 + key.bytes.length);
  input.set(named);
  input[named.length] = type;
  input.set(key.bytes, named.length + 1);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", input)).subarray(0, 4);
}

/** Reads a public key's text; throws when it is not one of type 0x01, Ed25519, or its id is not its own. */
export async function readPublicKey(text: string): Promise<PublicKey> {
  const [name = "", id = "", ...rest] = text.trim().split("+");
  const typed = fromBase64(rest.join("+"));
  if (name === "" || /\s/.test(name) || typed?.length !== 33 || typed[0] !== 1) throw new Error("read public key: text: is not an Ed25519 verifier key");
  const key = { text: text.trim(), name, bytes: typed.slice(1) };
  const bytes = fromHex(id);
  if (bytes === undefined || !equalBytes(bytes, await keyId(key, 1))) throw new Error("read public key: id: is not that of its key");
  return key;
}

/** Takes a note apart; throws when it is not one. */
export function readNote(note: string): Note {
  const end = note.lastIndexOf("\n\n");
  // deno-lint-ignore no-control-regex
  if (end < 0 || !note.endsWith("\n") || /[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed()) {
    throw new Error("read note: form: is not a signed note");
  }
  const lines = note.slice(end + 2).split("\n").slice(0, -1);
  if (lines.length === 0 || lines.length > 64) throw new Error("read note: signatures: are none or too many");
  return { text: note.slice(0, end + 1), lines: lines.map(readLine) };
}

function readLine(line: string): SignatureLine {
  const match = /^\u2014 ([^\s+]+) (\S+)$/.exec(line);
  const bytes = fromBase64(match?.[2] ?? "");
  if (match === null || bytes === undefined || bytes.length < 5) throw new Error("read note: signature line: is not valid");
  return { name: match[1] as string, id: bytes.slice(0, 4), signature: bytes.slice(4) };
}

/**
 * True if `key` signed the note plainly, undefined if no line is under its name and id. False if such a line is: then the note is to be refused, whoever else
 * signed it, C2SP signed-note "Signatures".
 */
export async function isSignedBy(note: Note, key: PublicKey): Promise<boolean | undefined> {
  const lines = await linesBy(note, key, 1);
  for (const { signature } of lines) if (!await isSignature(key, signature, utf8.encode(note.text))) return false;
  return lines.length > 0 ? true : undefined;
}

/** When `key` says that it signed: its timestamped cosignature, C2SP tlog-cosignature. Undefined without one, or when it is false. */
export async function signingTime(note: Note, key: PublicKey): Promise<Date | undefined> {
  for (const { signature } of await linesBy(note, key, 4)) {
    if (signature.length !== 72) return undefined;
    const seconds = signature.subarray(0, 8).reduce((sum, byte) => sum * 256 + byte, 0);
    const message = utf8.encode(`cosignature/v1\ntime ${seconds}\n${note.text}`);
    return Number.isSafeInteger(seconds * 1000) && await isSignature(key, signature.slice(8), message) ? new Date(seconds * 1000) : undefined;
  }
  return undefined;
}

async function linesBy(note: Note, key: PublicKey, type: number): Promise<readonly SignatureLine[]> {
  const id = toHex(await keyId(key, type));
  return note.lines.filter((line) => line.name === key.name && toHex(line.id) === id);
}

async function isSignature(key: PublicKey, signature: Uint8Array, message: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const imported = await crypto.subtle.importKey("raw", key.bytes.slice(), "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", imported, signature.slice(), message);
}

import { fromBase64, toBase64 } from "./base64.ts";

/** Signature types of C2SP signed-note that we make and read: plain Ed25519, and the timestamped cosignature of C2SP tlog-cosignature. */
export const signatureTypes = { ed25519: 0x01, cosignature: 0x04 } as const;
type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

/** Signatures a note may carry; C2SP signed-note asks verifiers to accept 16 at least. */
const signaturesMax = 64;
const seedBytes = 32;
const publicKeyBytes = 32;
const ed25519SignatureBytes = 64;
const keyIdBytes = 4;
const timestampBytes = 8;

/** A public key: `name` may hold neither spaces nor plus signs, `publicKey` is the 32 bytes of RFC 8032. */
export type NoteVerifier = { readonly name: string; readonly publicKey: Uint8Array };

/** A private key that can sign; its seed cannot be read back. */
export type NoteSigner = NoteVerifier & { readonly sign: (message: Uint8Array) => Promise<Uint8Array> };

/** One signature line, `— <name> base64(key id ‖ signature)`. */
export type NoteSignature = { readonly name: string; readonly keyId: Uint8Array; readonly signature: Uint8Array };

/** A note taken apart. `text` ends in its newline; nothing of it may be believed before a signature was verified. */
export type SignedNote = { readonly text: string; readonly signatures: readonly NoteSignature[] };

const encoder = new TextEncoder();

/** A key's 32-bit id: SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4], C2SP signed-note "Signatures". */
export async function noteKeyId({ name, publicKey }: NoteVerifier, type: SignatureType = signatureTypes.ed25519): Promise<Uint8Array> {
  const input = new Uint8Array([...encoder.encode(`${name}\n`), type, ...publicKey]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", input)).slice(0, keyIdBytes);
}

/** The key's text `<name>+<8 hex of its id>+<base64(0x01 ‖ public key)>`, the vkey that operators pass around. */
export async function formatVerifierKey(verifier: NoteVerifier): Promise<string> {
  return `${verifier.name}+${toHex(await noteKeyId(verifier))}+${toBase64(withType(verifier.publicKey))}`;
}

/** Reads a vkey; throws when it is not one or its id does not fit its key. */
export async function parseVerifierKey(text: string): Promise<NoteVerifier> {
  const { name, keyId, key } = splitKey("verifier key", text.trim());
  const verifier = { name, publicKey: key };
  if (toHex(await noteKeyId(verifier)) !== keyId) throw new Error("parse verifier key: id: does not fit the key");
  return verifier;
}

/** Reads a private key `PRIVATE+KEY+<name>+<id>+<base64(0x01 ‖ seed)>`; throws without repeating it when it is not one. */
export async function parseSigningKey(text: string): Promise<NoteSigner> {
  const prefix = "PRIVATE+KEY+";
  if (!text.trim().startsWith(prefix)) throw new Error("parse signing key: prefix: is not PRIVATE+KEY+");
  const { name, keyId, key } = splitKey("signing key", text.trim().slice(prefix.length));
  const signer = await signerOf(name, key);
  if (toHex(await noteKeyId(signer)) !== keyId) throw new Error("parse signing key: id: does not fit the key");
  return signer;
}

/** A new private key from 32 random bytes: its text for the secret store, and its vkey to hand around. */
export async function makeSigningKey(name: string, seed: Uint8Array): Promise<{ readonly signingKey: string; readonly verifierKey: string }> {
  if (!isKeyName(name) || seed.length !== seedBytes) throw new Error("make signing key: name or seed: is not valid");
  const signer = await signerOf(name, seed);
  const id = toHex(await noteKeyId(signer));
  return { signingKey: `PRIVATE+KEY+${name}+${id}+${toBase64(withType(seed))}`, verifierKey: await formatVerifierKey(signer) };
}

/** `text` (ending in a newline) signed plainly by each of `signers`, in order. */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  const lines = [];
  for (const signer of signers) lines.push(formatLine(signer.name, await noteKeyId(signer), await signer.sign(encoder.encode(text))));
  return `${text}\n${lines.join("")}`;
}

/** A line that also says when: a timestamped cosignature, C2SP tlog-cosignature "Ed25519 signed message". */
export async function cosignatureLine(text: string, signer: NoteSigner, posixSeconds: number): Promise<string> {
  const time = new Uint8Array(timestampBytes);
  new DataView(time.buffer).setBigUint64(0, BigInt(posixSeconds));
  const signature = await signer.sign(cosignedMessage(text, posixSeconds));
  return formatLine(signer.name, await noteKeyId(signer, signatureTypes.cosignature), new Uint8Array([...time, ...signature]));
}

/** Takes a note apart, C2SP signed-note "Format"; throws when it is not one. Verifies nothing. */
export function parseNote(note: string): SignedNote {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed()) throw new Error("parse note: text: holds a control character");
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) throw new Error("parse note: signatures: are missing");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > signaturesMax) throw new Error(`parse note: signatures: more than ${signaturesMax}`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseLine) };
}

/**
 * True if the note carries a plain signature of `verifier` and it is valid. Signatures of others are passed over, but a wrong one under this
 * key's name and id makes the note invalid, C2SP signed-note "Signatures".
 */
export async function verifyNote(note: SignedNote, verifier: NoteVerifier): Promise<boolean> {
  const mine = await signaturesOf(note, verifier, signatureTypes.ed25519);
  const key = await importPublicKey(verifier.publicKey);
  const message = encoder.encode(note.text);
  for (const { signature } of mine) {
    if (signature.length !== ed25519SignatureBytes) return false;
    if (!(await crypto.subtle.verify("Ed25519", key, signature.slice(), message))) return false;
  }
  return mine.length > 0;
}

/** When `verifier` cosigned the note, in POSIX seconds; undefined if it did not. Throws if its cosignature is wrong. */
export async function cosignedAt(note: SignedNote, verifier: NoteVerifier): Promise<number | undefined> {
  const [mine] = await signaturesOf(note, verifier, signatureTypes.cosignature);
  if (mine === undefined) return undefined;
  const { signature } = mine;
  if (signature.length !== timestampBytes + ed25519SignatureBytes) throw new Error("verify note: cosignature: is not valid");
  const time = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
  const key = await importPublicKey(verifier.publicKey);
  const valid = Number.isSafeInteger(time) &&
    (await crypto.subtle.verify("Ed25519", key, signature.slice(timestampBytes), cosignedMessage(note.text, time)));
  if (!valid) throw new Error("verify note: cosignature: is not valid");
  return time;
}

/** Names that a signature line can carry: no Unicode space, no plus, not empty. */
function isKeyName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && !/[\s+\p{Z}\p{Cc}]/u.test(name);
}

async function signaturesOf(note: SignedNote, verifier: NoteVerifier, type: SignatureType): Promise<readonly NoteSignature[]> {
  const keyId = toHex(await noteKeyId(verifier, type));
  return note.signatures.filter((signature) => signature.name === verifier.name && toHex(signature.keyId) === keyId);
}

function parseLine(line: string): NoteSignature {
  const [dash, name = "", base64 = "", ...rest] = line.split(" ");
  const bytes = fromBase64(base64);
  if (dash !== "—" || !isKeyName(name) || rest.length > 0 || bytes === undefined || bytes.length <= keyIdBytes) {
    throw new Error("parse note: signature line: is not valid");
  }
  return { name, keyId: bytes.slice(0, keyIdBytes), signature: bytes.slice(keyIdBytes) };
}

function formatLine(name: string, keyId: Uint8Array, signature: Uint8Array): string {
  return `— ${name} ${toBase64(new Uint8Array([...keyId, ...signature]))}\n`;
}

function cosignedMessage(text: string, posixSeconds: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(`cosignature/v1\ntime ${posixSeconds}\n${text}`);
}

function splitKey(what: string, text: string): { readonly name: string; readonly keyId: string; readonly key: Uint8Array } {
  // The name holds no plus sign; the Base 64 may.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const bytes = fromBase64(match?.[3] ?? "");
  const valid = match !== null && isKeyName(match[1] ?? "") && bytes?.length === 1 + publicKeyBytes && bytes[0] === signatureTypes.ed25519;
  if (!valid) throw new Error(`parse ${what}: form: is not <name>+<id>+<Ed25519 key>`);
  return { name: match[1] as string, keyId: match[2] as string, key: bytes.slice(1) };
}

function withType(key: Uint8Array): Uint8Array {
  return new Uint8Array([signatureTypes.ed25519, ...key]);
}

/** WebCrypto takes an Ed25519 seed only inside PKCS #8, RFC 8410 section 7: these 16 bytes, then the seed. */
const pkcs8Prefix = new Uint8Array([0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]);

async function signerOf(name: string, seed: Uint8Array): Promise<NoteSigner> {
  const pkcs8 = new Uint8Array([...pkcs8Prefix, ...seed]);
  // Extractable only to derive the public key here; the key that signs is not.
  const extractable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const publicKey = fromBase64Url((await crypto.subtle.exportKey("jwk", extractable)).x ?? "");
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return { name, publicKey, sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, message.slice())) };
}

function importPublicKey(publicKey: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", publicKey.slice(), "Ed25519", false, ["verify"]);
}

function fromBase64Url(text: string): Uint8Array {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "=")) ?? new Uint8Array(0);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

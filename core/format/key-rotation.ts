import { formatVerifierKey, type NoteSigner, type NoteVerifier, parseNote, parseVerifierKey, signNote, verifyNote } from "./signed-note.ts";

const header = "audit-events/key-rotation/v1";

/**
 * A log's key hands over to the next one: after `retiredAt` nothing signed by `retired` counts. Signed by both keys, so that whoever trusts
 * either learns of the other.
 */
export type KeyRotation = { readonly logOrigin: string; readonly retired: NoteVerifier; readonly successor: NoteVerifier; readonly retiredAt: Date };

/** The signed statement of a rotation; its first line cannot be an origin of ours, so that it can never pass for a checkpoint. */
export async function signKeyRotation(logOrigin: string, retired: NoteSigner, successor: NoteSigner, retiredAt: Date): Promise<string> {
  const seconds = Math.floor(retiredAt.getTime() / 1000);
  const lines = [header, logOrigin, await formatVerifierKey(retired), await formatVerifierKey(successor), seconds];
  return signNote(lines.map((line) => `${line}\n`).join(""), [retired, successor]);
}

/** The rotation that `note` states; throws unless both of its keys signed it. Whether either key is trusted is the caller's question. */
export async function openKeyRotation(note: string): Promise<KeyRotation> {
  const parsed = parseNote(note);
  const [first, logOrigin = "", retiredKey = "", successorKey = "", seconds = "", end, ...rest] = parsed.text.split("\n");
  if (first !== header || logOrigin === "" || !/^[1-9]\d{0,11}$/.test(seconds) || end !== "" || rest.length > 0) {
    throw new Error("open key rotation: text: is not header, origin, two keys and a time");
  }
  const retired = await parseVerifierKey(retiredKey);
  const successor = await parseVerifierKey(successorKey);
  const signed = retiredKey !== successorKey && (await verifyNote(parsed, retired)) && (await verifyNote(parsed, successor));
  if (!signed) throw new Error("open key rotation: signatures: are not by both keys");
  return { logOrigin, retired, successor, retiredAt: new Date(Number(seconds) * 1000) };
}

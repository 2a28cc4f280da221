import { fromBase64, toBase64 } from "./base64.ts";
import { hashBytes } from "./merkle.ts";
import { cosignatureLine, cosignedAt, type NoteSigner, type NoteVerifier, parseNote, signNote, verifyNote } from "./signed-note.ts";

/** What a checkpoint states: the log named `origin` had `size` leaves with this root hash. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

/** The origin line of a tenant's log, C2SP tlog-checkpoint "Note text". */
export function originOf(logOrigin: string, tenantId: string): string {
  return `${logOrigin}/${tenantId}`;
}

/** The note text of a checkpoint: origin, size in decimal, root in Base 64; no extension lines, as C2SP tlog-checkpoint recommends. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Reads the note text of a checkpoint; throws when it is not one. Extension lines are accepted and passed over. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = "", ...extensions] = text.split("\n");
  const end = extensions.pop();
  const bytes = fromBase64(root);
  const valid = origin !== "" && /^(0|[1-9]\d{0,15})$/.test(size) && Number.isSafeInteger(Number(size)) && bytes?.length === hashBytes &&
    end === "" && extensions.every((line) => line !== "");
  if (!valid) throw new Error("parse checkpoint: text: is not origin, size and root");
  return { origin, size: Number(size), root: bytes };
}

/**
 * The signed checkpoint: a plain Ed25519 signature that any C2SP client checks, and the same key's timestamped cosignature (C2SP
 * tlog-cosignature), because a key's retirement can only be judged if the checkpoint says when it was signed.
 */
export async function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner, at: Date): Promise<string> {
  const text = formatCheckpoint(checkpoint);
  return (await signNote(text, [signer])) + (await cosignatureLine(text, signer, Math.floor(at.getTime() / 1000)));
}

/** The checkpoint that `note` states and when it was signed, if `verifier` signed both; throws otherwise. */
export async function openCheckpoint(note: string, verifier: NoteVerifier): Promise<Checkpoint & { readonly signedAt: Date }> {
  const parsed = parseNote(note);
  if (!(await verifyNote(parsed, verifier))) throw new Error("open checkpoint: signature: is not valid or not by this key");
  const seconds = await cosignedAt(parsed, verifier);
  if (seconds === undefined) throw new Error("open checkpoint: time: is not signed");
  return { ...parseCheckpoint(parsed.text), signedAt: new Date(seconds * 1000) };
}

import { fromBase64 } from "./bytes.ts";
import type { KeyRing, TrustedKey } from "./keys.ts";
import { isSignedBy, readNote, signingTime } from "./note.ts";

/** A checkpoint whose signature was verified. */
export type Checkpoint = {
  /** Name of the log: `<AUDIT_LOG_ORIGIN>/<tenant id>`. */
  readonly origin: string;
  /** Events in the log. */
  readonly size: number;
  /** RFC 6962 root hash over them, 32 bytes. */
  readonly root: Uint8Array;
  /** When it was signed, to the second, as the signer says. */
  readonly signedAt: Date;
  /** Public key that signed it, as text. */
  readonly key: string;
};

/**
 * The checkpoint that `note` states, C2SP tlog-checkpoint. Throws, saying why, unless a key of the ring signed it, with its time, before that
 * key retired, and no line under the name of another is false.
 */
export async function openCheckpoint(text: string, ring: KeyRing): Promise<Checkpoint> {
  const note = readNote(text);
  const [origin = "", size = "", root = "", end, ...rest] = note.text.split("\n");
  const rootBytes = fromBase64(root);
  if (origin === "" || !/^(?:0|[1-9]\d{0,15})$/.test(size) || rootBytes?.length !== 32 || end !== "" || rest.length > 0) {
    throw new Error("open checkpoint: text: is not origin, size and root");
  }
  let key: TrustedKey | undefined;
  for (const known of ring.keys) {
    const isSigned = await isSignedBy(note, known);
    if (isSigned === false) throw new Error("open checkpoint: signature: is false under a trusted key's name");
    if (isSigned) key ??= known;
  }
  if (key === undefined) throw new Error("open checkpoint: signature: is not valid, or not by a trusted key");
  const signedAt = await signingTime(note, key);
  if (signedAt === undefined) throw new Error("open checkpoint: time: is not signed");
  if (key.retiredAt !== undefined && signedAt > key.retiredAt) {
    throw new Error(`open checkpoint: key: retired at ${key.retiredAt.toISOString()}, signed at ${signedAt.toISOString()}`);
  }
  return { origin, size: Number(size), root: rootBytes, signedAt, key: key.text };
}

/** The tenant that a checkpoint's origin ends in, or undefined when it is not a tenant's. */
export function tenantOf(origin: string): string | undefined {
  return /\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/.exec(origin)?.[1];
}

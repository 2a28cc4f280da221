import { openKeyRotation } from "./format/key-rotation.ts";
import { formatVerifierKey, type NoteVerifier } from "./format/signed-note.ts";

/**
 * Gives a key by its text if it is `own` or handed over to it by an unbroken chain of statements. The database only brings the statements; each is
 * believed because both its keys signed it.
 */
export function trustedKeys(own: NoteVerifier, logOrigin: string, rotations: () => Promise<readonly string[]>) {
  const trusted = new Map<string, NoteVerifier>();
  return async (verifierKey: string): Promise<NoteVerifier | undefined> => {
    if (trusted.size === 0) trusted.set(await formatVerifierKey(own), own);
    if (!trusted.has(verifierKey)) {
      // Newest first: a predecessor is trusted because its successor, already trusted, signed the statement with it.
      for (const statement of (await rotations()).toReversed()) {
        const rotation = await openKeyRotation(statement).catch(() => undefined);
        if (rotation?.logOrigin !== logOrigin || !trusted.has(await formatVerifierKey(rotation.successor))) continue;
        trusted.set(await formatVerifierKey(rotation.retired), rotation.retired);
      }
    }
    return trusted.get(verifierKey);
  };
}

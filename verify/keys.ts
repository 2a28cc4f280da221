import { isSignedBy, type PublicKey, readNote, readPublicKey } from "./note.ts";

/** A key whose signature counts, up to the second of its retirement. */
export type TrustedKey = PublicKey & { readonly retiredAt: Date | undefined };

export type KeyRing = {
  readonly keys: readonly TrustedKey[];
  /** What was wrong with rotation statements: each names the fault; none of these gave a key. */
  readonly faults: readonly string[];
};

type Rotation = { readonly retired: PublicKey; readonly successor: PublicKey; readonly retiredAt: Date };

/**
 * The keys that follow from `trusted` by rotation statements, forwards and backwards: both keys sign a statement, so each vouches for the other.
 * A key that hands over twice has been used by two hands: neither successor counts.
 */
export async function followRotations(trusted: readonly string[], statements: readonly string[]): Promise<KeyRing> {
  const faults: string[] = [];
  const rotations: Rotation[] = [];
  for (const [i, statement] of statements.entries()) {
    await readRotation(statement).then((rotation) => rotations.push(rotation), (fault: Error) => faults.push(`rotation statement ${i + 1}: ${fault.message}`));
  }
  const isForked = (rotation: Rotation) =>
    rotations.some((other) => (other.retired.text === rotation.retired.text) !== (other.successor.text === rotation.successor.text));
  for (const rotation of rotations.filter(isForked)) {
    faults.push(`rotation statement: ${rotation.retired.text}: hands over twice, or its successor takes over twice`);
  }
  const usable = rotations.filter((rotation) => !isForked(rotation));

  const keys = new Map<string, PublicKey>();
  for (const text of trusted) keys.set(text.trim(), await readPublicKey(text));
  for (let before = -1; before < keys.size;) {
    before = keys.size;
    for (const { retired, successor } of usable) {
      if (keys.has(retired.text)) keys.set(successor.text, successor);
      if (keys.has(successor.text)) keys.set(retired.text, retired);
    }
  }
  const retirementOf = (text: string) => usable.find(({ retired }) => retired.text === text)?.retiredAt;
  return { keys: Array.from(keys.values(), (key) => ({ ...key, retiredAt: retirementOf(key.text) })), faults };
}

async function readRotation(statement: string): Promise<Rotation> {
  const note = readNote(statement);
  const lines = note.text.split("\n");
  const [header, , retiredText = "", successorText = "", seconds = ""] = lines;
  if (header !== "audit-events/key-rotation/v1" || lines.length !== 6 || !/^\d{1,12}$/.test(seconds)) throw new Error("is not a rotation statement");
  const retired = await readPublicKey(retiredText);
  const successor = await readPublicKey(successorText);
  if (!(await isSignedBy(note, retired)) || !(await isSignedBy(note, successor))) throw new Error("is not signed by both keys");
  return { retired, successor, retiredAt: new Date(Number(seconds) * 1000) };
}

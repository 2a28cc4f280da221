import { equalBytes, fromBase64 } from "./bytes.ts";
import type { KeyRing } from "./keys.ts";
import { leafHash } from "./leaf.ts";
import { growingTree } from "./merkle.ts";
import { isSignedBy, readNote } from "./note.ts";
import { type Hash, sha256 } from "./sha256.ts";

/** What a bundle of checkpoints holds, as its lines say; nothing of it is verified. */
export type BundleLines = { readonly bundle: string; readonly rotations: readonly string[]; readonly checkpoints: readonly string[] };

/** Takes a bundle apart, docs/format/seal.md "Bundle of checkpoints"; throws when its lines are not JSON objects. */
export function readBundle(text: string): BundleLines {
  const lines = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
  const textsOf = (name: string) => lines.map((line) => line[name]).filter((value) => typeof value === "string");
  return { bundle: textsOf("bundle")[0] ?? "", rotations: textsOf("rotation"), checkpoints: textsOf("checkpoint") };
}

/**
 * Throws, saying why, unless a key of the ring signed this bundle, with all of its checkpoints, before it retired, and for the moment `until` where one is
 * given: each checkpoint is signed by itself, so only this shows that one was taken out, or that the bundle of another hour stands in this one's place.
 */
export async function verifyBundle({ bundle, checkpoints }: BundleLines, ring: KeyRing, until?: Date, hash: Hash = sha256): Promise<void> {
  const note = readNote(bundle);
  const [header, , seconds = "", count, root = "", end] = note.text.split("\n");
  if (header !== "audit-events/checkpoint-bundle/v1" || !/^\d{1,12}$/.test(seconds) || end !== "") throw new Error("first line: is no signed bundle");
  const time = new Date(Number(seconds) * 1000);
  const signers = [];
  for (const key of ring.keys) if (await isSignedBy(note, key)) signers.push(key);
  if (!signers.some(({ retiredAt }) => retiredAt === undefined || time <= retiredAt)) throw new Error("signature: is not valid, or not by a trusted key");
  if (until !== undefined && time.getTime() !== until.getTime()) throw new Error(`time: is ${time.toISOString()}, its name says ${until.toISOString()}`);
  const tree = growingTree(hash);
  for (const checkpoint of checkpoints) tree.add(leafHash(hash, checkpoint));
  const isWhole = count === String(checkpoints.length) && equalBytes(tree.root(), fromBase64(root) ?? new Uint8Array(0));
  if (!isWhole) throw new Error(`checkpoints: are not the ${count} that were signed`);
}

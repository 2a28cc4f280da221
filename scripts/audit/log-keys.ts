import { readFileSync } from "node:fs";
import type { Pool } from "pg";
import type { Handover } from "../../adapters/postgres/archive-restore.ts";
import { type KeyRotation, openKeyRotation } from "../../core/format/key-rotation.ts";
import { formatVerifierKey, type NoteVerifier, parseVerifierKey } from "../../core/format/signed-note.ts";
import { readBundle } from "../../verify/bundle.ts";
import { CommandError } from "./failure.ts";

/** The keys whose signatures are believed. */
export type LogKeys = {
  readonly logOrigin: string;
  readonly verifiers: readonly NoteVerifier[];
  /** How those that were not named came to be believed, oldest first. */
  readonly handovers: readonly Handover[];
};

/**
 * Keys that were given, or the database's own, and those that handed over to them by statements in `files` or the database. The log's name is the name
 * of its key. Throws a CommandError when there is no key, or a file holds no statement.
 */
export async function readLogKeys(pool: Pool, given: readonly string[] | undefined, files: readonly string[]): Promise<LogKeys> {
  const known = (await pool.query<{ verifier_key: string }>("select verifier_key from audit_log.signing_keys order by since")).rows;
  const texts = given ?? known.map((row) => row.verifier_key);
  const logOrigin = texts.at(-1)?.split("+")[0];
  if (logOrigin === undefined) throw new CommandError("no_key", "find key: the database names none", "give the log's public key with --key");
  const verifiers = new Map<string, NoteVerifier>();
  for (const text of texts) verifiers.set(text, await parseVerifierKey(text));
  const { rows } = await pool.query<{ statement: string }>("select statement from audit_log.key_rotations");
  const inFiles = (await Promise.all(files.map(statementsIn))).flat();
  const inDatabase = await Promise.all(rows.map(({ statement }) => opened(statement).catch(() => undefined)));
  const rotations = new Map<string, Opened>();
  for (const rotation of [...inFiles, ...inDatabase]) if (rotation?.logOrigin === logOrigin) rotations.set(rotation.statement, rotation);
  // Who is believed vouches for the key before it. By their keys and not by their times: two rotations may share a second.
  const handovers = new Map<string, Opened>();
  for (const believed of verifiers.keys()) {
    for (const rotation of rotations.values()) {
      if (rotation.successorKey !== believed || handovers.has(rotation.retiredKey)) continue;
      verifiers.set(rotation.retiredKey, rotation.retired);
      handovers.set(rotation.retiredKey, rotation);
    }
  }
  return { logOrigin, verifiers: [...verifiers.values()], handovers: chainOf(handovers) };
}

/** Each with its successor's after it, from a key that none handed over to. */
function chainOf(handovers: ReadonlyMap<string, Handover>): readonly Handover[] {
  const successors = new Set(Array.from(handovers.values(), ({ successorKey }) => successorKey));
  const chain: Handover[] = [];
  let next = [...handovers.values()].find(({ retiredKey }) => !successors.has(retiredKey));
  while (next !== undefined && !chain.includes(next)) {
    chain.push(next);
    next = handovers.get(next.successorKey);
  }
  return chain;
}

type Opened = KeyRotation & Handover;

async function opened(statement: string): Promise<Opened> {
  const rotation = await openKeyRotation(statement);
  return { ...rotation, retiredKey: await formatVerifierKey(rotation.retired), successorKey: await formatVerifierKey(rotation.successor), statement };
}

/** The statements in a file: one as it was published, or all of a bundle of checkpoints. */
async function statementsIn(file: string): Promise<readonly Opened[]> {
  const text = readFileSync(file, "utf8");
  try {
    return await Promise.all((text.startsWith("{") ? readBundle(text).rotations : [text]).map(opened));
  } catch (error) {
    throw new CommandError(
      "bad_rotation",
      `read rotation: ${file}: ${(error as Error).message}`,
      "give a statement that `keys rotate --out` wrote, or a bundle of checkpoints",
    );
  }
}

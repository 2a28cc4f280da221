import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BundleLines, readBundle, verifyBundle } from "../../verify/bundle.ts";
import { openCheckpoint } from "../../verify/checkpoint.ts";
import type { KeyRing } from "../../verify/keys.ts";
import { CommandError } from "./failure.ts";

/** Checkpoints kept outside the log: single ones, and files that are bundles of them. */
export type Kept = { readonly notes: readonly string[]; readonly bundles: readonly string[] };

/** What `files` are, and every bundle below `folder`. Throws a CommandError when a folder is named that holds none. */
export function findKept(files: readonly string[], folder: string | undefined): Kept {
  const named = files.map((file) => ({ file, text: readFileSync(file, "utf8") }));
  const below = folder === undefined ? [] : readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".checkpoints"));
  if (folder !== undefined && below.length === 0) {
    throw new CommandError(
      "no_bundles",
      `read --bundles ${folder}: no file in it ends with .checkpoints`,
      "name the folder checkpoints/ of the archive, or your copy of it: the sealer puts a bundle there after every full hour",
    );
  }
  return {
    notes: named.flatMap(({ text }) => text.startsWith("{") ? [] : [text]),
    bundles: [
      ...named.flatMap(({ file, text }) => text.startsWith("{") ? [file] : []),
      ...below.sort().map((name) => join(folder ?? "", name)),
    ],
  };
}

/** Rotation statements in bundles: the keys that signed their checkpoints follow from them, whatever the database says now. */
export function keptRotations({ bundles }: Kept): readonly string[] {
  return [...new Set(bundles.flatMap((file) => linesOf(file)?.rotations ?? []))];
}

/** The checkpoints, each once, and a message for every bundle that is not what was signed; of such a one, those checkpoints that are still good. */
export async function openKept({ notes, bundles }: Kept, ring: KeyRing): Promise<{ readonly expected: readonly string[]; readonly faults: readonly string[] }> {
  const expected = new Set(notes);
  const faults: string[] = [];
  for (const file of bundles) {
    const lines = linesOf(file);
    const fault = lines === undefined ? "lines: are not JSON" : await verifyBundle(lines, ring, momentOf(file)).catch((error: Error) => error.message);
    if (fault !== undefined) faults.push(`bundle ${file}: ${fault}`);
    for (const note of lines?.checkpoints ?? []) {
      if (fault === undefined || await openCheckpoint(note, ring).then(() => true, () => false)) expected.add(note);
    }
  }
  return { expected: [...expected], faults };
}

function linesOf(file: string): BundleLines | undefined {
  try {
    return readBundle(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

const dayMs = 86_400_000;

/** The end of the hour or day that a bundle's path names; undefined for a file that was given another name. */
function momentOf(file: string): Date | undefined {
  const [, day = "", part = ""] = /(\d{4}-\d\d-\d\d)[/\\](\d\d|day)(?:-[0-9a-f]{16})?\.checkpoints$/.exec(file) ?? [];
  const start = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(start)) return undefined;
  return new Date(part === "day" ? start + dayMs : start + (Number(part) + 1) * dayMs / 24);
}

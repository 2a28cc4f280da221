import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Checkpoints in `files` and in every bundle below `folder`: notes, to be verified by whoever reads them. */
export function readKept(files: readonly string[], folder: string | undefined): Promise<readonly string[]> {
  const bundles = folder === undefined
    ? []
    : readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".checkpoints")).map((name) => join(folder, name)).sort();
  if (folder !== undefined && bundles.length === 0) throw new Error(`read bundles: ${folder}: holds none`);
  return Promise.resolve([...files, ...bundles].flatMap((file) => notesIn(file)));
}

/** A file is one checkpoint, or a bundle: a line of JSON for each, docs/format/seal.md. */
function notesIn(file: string): string[] {
  const text = readFileSync(file, "utf8");
  if (!text.startsWith("{")) return [text];
  const notes: string[] = [];
  for (const line of text.split("\n").filter((other) => other !== "")) {
    const { checkpoint } = JSON.parse(line) as { checkpoint?: string };
    if (checkpoint !== undefined) notes.push(checkpoint);
  }
  return notes;
}

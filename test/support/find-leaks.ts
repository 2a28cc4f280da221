import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canary, canaryAddress } from "./canary.ts";

/** Where a run keeps what its processes printed, and what of it would be a leak. */
export const keptFolder = "kept";
export const secretsFolder = "secrets";

/** A place where something stands that nobody may read there. What it is called, never what it is. */
export type Leak = { readonly file: string; readonly line: number; readonly kind: string; readonly event: string };

/** Shapes that are a secret, whoever made it. Ids of keys and `key:<id>` are none. */
const shapes: Readonly<Record<string, RegExp>> = {
  "API key": /aud_[0-9a-z]{12}_[0-9A-Za-z]{8}/,
  "token": /eyJ[\w-]{8,4096}\.[\w-]{8}/,
  "secret key": /sb_secret_\w{8}/,
  "signing key": /PRIVATE\+KEY\+/,
  "database password": /\bpostgres(?:ql)?:\/\/[^\s:@/"]{1,256}:[^\s@/"]{1,256}@/,
  "personal data": new RegExp(`${canary}|${canaryAddress.replaceAll(".", "\\.")}`, "i"),
};

const runLengthMin = 20;

/** Runs of letters and digits that are so long that they stand nowhere by chance: text is cut where JSON, base64url and URLs put their marks. */
export function secretRuns(text: string): readonly string[] {
  // Cut at single characters: a pattern that takes a run whole overflows its stack in lines of megabytes.
  return text.split(/[^0-9A-Za-z]/).filter(({ length }) => length >= runLengthMin);
}

/** Every line that was kept below `folder`, or that the run's PostgreSQL wrote there, and that holds a secret that the run learnt, one of the shapes, or a canary. */
export function findLeaks(folder: string): readonly Leak[] {
  const secrets = new Map(filesOf(join(folder, secretsFolder)).flatMap(({ text }) => text.split("\n").map((line) => line.split("\t") as [string, string])));
  const leaks: Leak[] = [];
  const databaseLogs = filesOf(folder).filter(({ name }) => /^postgres-.*\.log$/.test(name));
  for (const { name, text } of [...filesOf(join(folder, keptFolder)), ...databaseLogs]) {
    for (const [index, line] of text.split("\n").entries()) {
      const kind = leakIn(line, secrets);
      if (kind !== undefined) leaks.push({ file: name, line: index + 1, kind, event: /"event":"([a-z._]+)"/.exec(line)?.[1] ?? "" });
    }
  }
  return leaks;
}

/** Leaks as lines for whoever has to find them; one a file and kind. */
export function leakReport(leaks: readonly Leak[]): readonly string[] {
  const first = new Map<string, { readonly leak: Leak; count: number }>();
  for (const leak of leaks) {
    const name = `${leak.file}\t${leak.kind}\t${leak.event}`;
    const known = first.get(name);
    if (known === undefined) first.set(name, { leak, count: 1 });
    else known.count++;
  }
  return Array.from(first.values(), ({ leak, count }) => {
    const where = `${leak.file.replaceAll("~", "/")}, line ${leak.line}${leak.event === "" ? "" : ` (${leak.event})`}`;
    return `${where}: ${leak.kind}${count === 1 ? "" : `, and ${count - 1} more lines`}`;
  });
}

function leakIn(line: string, secrets: ReadonlyMap<string, string>): string | undefined {
  const shape = Object.entries(shapes).find(([, pattern]) => pattern.test(line));
  if (shape !== undefined) return shape[0];
  const word = secretRuns(line).find((one) => secrets.has(one));
  return word === undefined ? undefined : secrets.get(word);
}

function filesOf(folder: string): readonly { readonly name: string; readonly text: string }[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name).sort();
  return files.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
}

// The client's reference page, from its public declarations and their doc comments.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Declaration, entryFiles, type EntryPoint, type Member, publicDeclarations } from "./public-declarations.ts";

const headings: readonly (readonly [kind: Declaration["kind"], words: string])[] = [
  ["function", "Functions"],
  ["value", "Values"],
  ["class", "Errors"],
  ["type", "Types"],
];

/** The client's entries, in the order of its manifest. */
export function sdkEntries(projectFolder: string): readonly EntryPoint[] {
  const folder = join(projectFolder, "sdk");
  return publicDeclarations(join(folder, "tsconfig.json"), entryFiles(folder, JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))));
}

/** The page: a part for each entry, in it functions, values, errors and types. What an entry hands on from another one is only named. */
export function sdkPage(entries: readonly EntryPoint[], printed: string): string {
  const home = new Map<string, string>();
  const parts = entries.map(({ name, comment, declarations }) => {
    const own = declarations.filter((declaration) => !home.has(declaration.name));
    const others = declarations.filter((declaration) => home.has(declaration.name)).map((declaration) => `\`${declaration.name}\``);
    for (const declaration of own) home.set(declaration.name, name);
    const groups = headings.flatMap(([kind, words]) => {
      const found = own.filter((declaration) => declaration.kind === kind);
      return found.length === 0 ? [] : [`### ${words}`, ...found.map(section)];
    });
    const handedOn = others.length === 0 ? [] : [`Also exported here: ${others.join(", ")}.`];
    return [`## \`${name}\``, comment, ...handedOn, ...groups].filter((text) => text !== "").join("\n\n");
  });
  const intro = `What each entry of \`@audit-events/client\` exports. ${printed} Its text is that of the doc comments, which editors show too.
[sdk/README.md](../../sdk/README.md) shows how it is used, what is lost when, and what is retried. A name with a question mark may be left out.`;
  return `# The client\n\n${intro}\n\n${parts.join("\n\n")}\n`;
}

function section({ name, kind, comment, code, bases, members }: Declaration): string {
  const shown = code === "" ? [] : ["```ts\n" + code + "\n```"];
  const inherited = bases.length === 0 ? [] : [`All of ${bases.map((base) => `\`${base}\``).join(" and ")}, and:`];
  const table = members.length === 0 ? [] : [["| name | type | what it is |", "|---|---|---|", ...members.map(row)].join("\n")];
  return [`#### \`${kind === "function" ? `${name}()` : name}\``, ...shown, prose(comment), ...inherited, ...table].filter((text) => text !== "").join("\n\n");
}

function row({ name, type, comment }: Member): string {
  return `| \`${name}\` | \`${type.replaceAll("|", "\\|")}\` | ${prose(comment).replaceAll("|", "\\|")} |`;
}

/** Words for Markdown: a bracket outside code would be taken for a tag. */
function prose(text: string): string {
  return text.split("`").map((part, index) => index % 2 === 0 ? part.replaceAll("<", "&lt;") : part).join("`");
}

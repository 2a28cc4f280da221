import type { Command } from "commander";

/** Ends a command's help with lines to copy; each is what follows `npm run audit -- `. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${continued(`npm run audit -- ${line}`)}`).join("\n")}`);
}

/** Columns of a terminal, without the indent and the backslash. */
const widthMax = 76;

/** A line of the shell that is too long for a terminal, over several: it can still be copied. */
function continued(line: string): string {
  if (line.length <= widthMax) return line;
  const at = line.lastIndexOf(" ", widthMax);
  return at <= 0 ? line : `${line.slice(0, at)} \\\n    ${continued(line.slice(at + 1))}`;
}

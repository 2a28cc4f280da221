import type { Command } from "commander";

/** Ends a command's help with lines to copy; each is what follows `npm run audit -- `. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${continued(`${prefix}${line}`)}`).join("\n")}`);
}

const prefix = "npm run audit -- ";

/** Columns of a terminal, without the indent and the backslash. */
const widthMax = 76;

/** A line of the shell that is too long for a terminal, over several: it can still be copied. An option stays with its value where that fits. */
function continued(line: string): string {
  if (line.length <= widthMax) return line;
  const atOption = line.lastIndexOf(" --", widthMax);
  const at = atOption > prefix.length ? atOption : line.lastIndexOf(" ", widthMax);
  return at <= 0 ? line : `${line.slice(0, at)} \\\n    ${continued(line.slice(at + 1))}`;
}

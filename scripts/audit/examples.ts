import type { Command } from "commander";

/** Ends a command's help with lines to copy; each is what follows `npm run audit -- `. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  npm run audit -- ${line}`).join("\n")}`);
}

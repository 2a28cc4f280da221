import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../scripts/audit/program.ts";

/** Every command and subcommand with the words that call it. */
function every(command: Command, words: readonly string[] = []): readonly { readonly name: string; readonly command: Command }[] {
  return [{ name: words.join(" "), command }, ...command.commands.flatMap((child) => every(child, [...words, child.name()]))];
}

/** What `--help` prints on a terminal of 80 columns. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ getOutHelpWidth: () => 80, getOutHasColors: () => false, writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}

describe("npm run audit -- --help", () => {
  // After a change that is meant: npx vitest run test/command/help.test.ts -u
  it.each(every(createProgram()))("$name fits 80 columns, and is what it was", async ({ name, command }) => {
    const help = helpOf(command);
    expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(command.description()).not.toBe("");
    await expect(help).toMatchFileSnapshot(`help/${name === "" ? "audit-events" : name.replaceAll(" ", "-")}.txt`);
  });

  it("gives examples with every command that does something", () => {
    const without = every(createProgram()).filter(({ command }) => command.commands.length === 0 && !helpOf(command).includes("npm run audit -- "));
    expect(without.map(({ name }) => name)).toEqual([]);
    // A line that is cut within quotation marks is another command once it is pasted.
    for (const { name, command } of every(createProgram())) expect(helpOf(command), name).not.toMatch(/^[^"\n]*"[^"\n]*\\$/m);
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { packageFolder } from "../init/source-files.ts";
import { archiveCommand } from "./archive.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { explain, failureJson, failureText } from "./failure.ts";
import { deployCommand } from "./deploy.ts";
import { doctorCommand } from "./doctor.ts";
import { holdsCommand } from "./holds.ts";
import { importCommand } from "./import.ts";
import { initCommand } from "./init.ts";
import { keysCommand } from "./keys.ts";
import { exportCommand } from "./export.ts";
import { limitsCommand } from "./limits.ts";
import { membersCommand } from "./members.ts";
import { queryCommand } from "./query.ts";
import { sealCommand } from "./seal.ts";
import { stackCommand } from "./stack.ts";
import { tailCommand } from "./tail.ts";
import { verifyCommand } from "./verify.ts";

/**
 * Every subcommand, each from a file of its own that exports `<name>Command(): Command`: help with `withExamples`, `--local` and its like with `withApiTarget`
 * or `withDatabaseTarget`. An action prints its answer on stdout and sets `process.exitCode` when that is not 0; whatever it throws (best a
 * `CommandError`, which says what to do) is explained below, once for all of them, and as JSON where `--json` was given.
 */
const subcommands: readonly (() => Command)[] = [
  tailCommand,
  queryCommand,
  exportCommand,
  importCommand,
  verifyCommand,
  sealCommand,
  archiveCommand,
  holdsCommand,
  stackCommand,
  keysCommand,
  membersCommand,
  limitsCommand,
  initCommand,
  doctorCommand,
  deployCommand,
];

const exitHelp = `
Exit code 0: done. 1: done, and the answer is bad (a changed log, refused
events, a fault found). 2: could not be done. 130: stopped by Ctrl-C.

npm prints two lines of its own on standard output: where a program reads it
(--json, export --out -), write npm run --silent audit -- ...`;

/** The operator's command, ready to parse. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(join(packageFolder(), "package.json"), "utf8"));
  const program = new Command("audit-events").description("The operator's command of Audit Events").version(version, "-V, --version", "print the version");
  for (const make of subcommands) program.addCommand(make());
  withExamples(program, "stack start --background", "query --local .audit", "verify --local .audit", "import --help").addHelpText("after", exitHelp);
  return withFrame(program);
}

/** Settings that commander does not hand down to a command that was made elsewhere. */
function withFrame(command: Command): Command {
  command.exitOverride().showHelpAfterError("(add --help for what it takes, and examples)").helpCommand(false);
  for (const child of command.commands) withFrame(child);
  return command;
}

/** Parses and runs; the exit code. Faults are told on stderr, and as one JSON object on stdout when `--json` asks for one. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? exitCodes.done);
  } catch (fault) {
    if (fault instanceof CommanderError) {
      // Commander has printed its help or its complaint, for a person.
      const [, complaint] = /^error: ([^]+)/.exec(fault.message) ?? [];
      if (complaint !== undefined && argv.includes("--json")) console.log(failureJson({ code: "wrong_usage", message: complaint }));
      return fault.exitCode === 0 ? exitCodes.done : exitCodes.undone;
    }
    const failure = explain(fault);
    if (argv.includes("--json")) console.log(failureJson(failure));
    console.error(failureText(failure));
    return exitCodes.undone;
  }
}

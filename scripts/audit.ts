import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { exitCodes } from "./audit/exit-codes.ts";

// Half of a short command's time is compiling what it is made of. Kept beside the packages and not in the system's temporary folder, where others may
// write; a folder that cannot be written to is no fault.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/audit-events", import.meta.url)));
// A reader that has seen enough (head, a pager) closes the pipe: an end, not a fault.
process.stdout.on("error", (fault: NodeJS.ErrnoException) => {
  if (fault.code === "EPIPE") process.exit(exitCodes.done);
  console.error(`write standard output: ${fault.message}: what was printed is not whole`);
  console.error("Make room there, or name another place, then run the same command again.");
  process.exit(exitCodes.undone);
});
const { runProgram } = await import("./audit/program.ts");

process.exitCode = await runProgram(process.argv.slice(2));

import { Command } from "commander";
import { keysCommand } from "./audit/keys.ts";
import { verifyCommand } from "./audit/verify.ts";

const program = new Command("audit-events")
  .description("The operator's command of Audit Events")
  .showHelpAfterError()
  .addCommand(verifyCommand())
  .addCommand(keysCommand());

await program.parseAsync();

import { Command } from "commander";
import { verifyCommand } from "./audit/verify.ts";

const program = new Command("audit-events")
  .description("The operator's command of Audit Events")
  .showHelpAfterError()
  .addCommand(verifyCommand());

await program.parseAsync();

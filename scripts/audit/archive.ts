import { Command } from "commander";
import { archiveListCommand } from "./archive-list.ts";
import { archiveRestoreCommand } from "./archive-restore.ts";
import { archiveReturnCommand } from "./archive-return.ts";
import { archiveRunCommand } from "./archive-run.ts";
import { archiveVerifyCommand } from "./archive-verify.ts";

/** `audit-events archive`: what has left Postgres, and what moves it. */
export function archiveCommand(): Command {
  return new Command("archive").description("Move old days into object storage, see what is there, check it, bring it back")
    .addCommand(archiveRunCommand())
    .addCommand(archiveListCommand())
    .addCommand(archiveVerifyCommand())
    .addCommand(archiveRestoreCommand())
    .addCommand(archiveReturnCommand());
}

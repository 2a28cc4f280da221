import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { signKeyRotation } from "../../core/format/key-rotation.ts";
import { formatVerifierKey, makeSigningKey, type NoteSigner, parseSigningKey } from "../../core/format/signed-note.ts";
import { parseTimestamp } from "../../core/format/timestamp.ts";
import { inDatabase } from "../deploy/in-database.ts";
import { withExamples } from "./examples.ts";
import { CommandError } from "./failure.ts";
import { createApiKeyCommand } from "./keys-create.ts";
import { listApiKeysCommand } from "./keys-list.ts";
import { revokeApiKeyCommand } from "./keys-revoke.ts";
import { type DatabaseOptions, databaseTarget, withDatabaseTarget } from "./target.ts";

/** `audit-events keys`: API keys, which programs show, and signing keys, which make checkpoints: makes both, and hands a log over from one signing key to the next. */
export function keysCommand(): Command {
  const keys = new Command("keys").description("API keys of programs (create, list, revoke) and signing keys of the log (new, rotate)")
    .addCommand(createApiKeyCommand())
    .addCommand(listApiKeysCommand())
    .addCommand(revokeApiKeyCommand());
  withExamples(keys.command("new"), "keys new example.com/log signing-key.txt")
    .description("Make a signing key, which signs checkpoints and opens nothing: the file gets the private key, the public one is printed")
    .argument("<origin>", "AUDIT_LOG_ORIGIN of the log it will sign", readOrigin)
    .argument("<file>", "where to write the private key; must not exist")
    .action(async (origin: string, file: string) => {
      const made = await makeSigningKey(origin, randomBytes(32));
      writeFileSync(file, `${made.signingKey}\n`, { flag: "wx", mode: 0o600 });
      console.log(made.verifierKey);
    });
  withExamples(withDatabaseTarget(keys.command("rotate")), "keys rotate --origin example.com/log --from old.key --to new.key")
    .description("Hand the log over to another signing key by a statement that both keys sign, and record it in the database; both are read from files")
    .requiredOption("--origin <origin>", "AUDIT_LOG_ORIGIN of the log", readOrigin)
    .requiredOption("--from <file>", "private key in use")
    .requiredOption("--to <file>", "private key that takes over")
    .option("--at <time>", "when the old key retires, RFC 3339: late enough to give the sealer its new key before; now when absent", readTime)
    .option("--out <file>", "write the statement to this file too, to be handed to whoever verifies")
    .action(rotate);
  return keys;
}

type RotateOptions = DatabaseOptions & {
  readonly origin: string;
  readonly from: string;
  readonly to: string;
  readonly at?: Date;
  readonly out?: string;
};

async function rotate(options: RotateOptions): Promise<void> {
  const from = await parseSigningKey(readFileSync(options.from, "utf8"));
  const to = await parseSigningKey(readFileSync(options.to, "utf8"));
  // Before the statement is recorded: it cannot be taken back.
  if (options.out !== undefined && existsSync(options.out)) {
    throw new CommandError("file_eexist", `write statement: ${options.out} is there already`, "choose another name: nothing is overwritten");
  }
  const { statement, retired, successor } = await announceRotation(databaseTarget(options), options.origin, from, to, options.at ?? new Date());
  if (options.out !== undefined) writeFileSync(options.out, statement, { flag: "wx" });
  console.log(`${retired}\nhands over to\n${successor}\nNow give the sealer the new key: set AUDIT_SIGNING_KEY.`);
}

/** Signs the statement and records it, as audit_job. Throws when the old key is not the one in use. */
export async function announceRotation(databaseUrl: string, logOrigin: string, from: NoteSigner, to: NoteSigner, at: Date) {
  const statement = await signKeyRotation(logOrigin, from, to, at);
  const [retired, successor] = [await formatVerifierKey(from), await formatVerifierKey(to)];
  // Whole seconds, as the statement says.
  const retiredAt = new Date(Math.floor(at.getTime() / 1000) * 1000).toISOString();
  await inDatabase(databaseUrl, "audit_job", async (client) => {
    await client.query("select audit_log.announce_key($1, $2, $3, $4, $5)", [retired, successor, logOrigin, retiredAt, statement]);
  });
  return { statement, retired, successor };
}

function readOrigin(text: string): string {
  if (!/^[^\s+]+$/u.test(text)) throw new InvalidArgumentError("It must be a name without spaces and plus signs, such as audit.example.com.");
  return text;
}

function readTime(text: string): Date {
  const ms = parseTimestamp(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be an RFC 3339 time, like 2030-01-01T00:00:00Z; for now, leave --at out.");
  return new Date(ms);
}

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import pg from "pg";
import { signKeyRotation } from "../../core/format/key-rotation.ts";
import { formatVerifierKey, makeSigningKey, type NoteSigner, parseSigningKey } from "../../core/format/signed-note.ts";
import { createApiKeyCommand } from "./api-keys.ts";
import { withExamples } from "./examples.ts";

/** `audit-events keys`: API keys, which programs show, and signing keys, which make checkpoints: makes both, and hands a log over from one signing key to the next. */
export function keysCommand(): Command {
  const keys = new Command("keys").description("API keys of programs (create) and signing keys of the log (new, rotate)")
    .addCommand(createApiKeyCommand());
  withExamples(keys.command("new"), "keys new example.com/log signing-key.txt")
    .description("Make a signing key, which signs checkpoints and opens nothing: the file gets the private key, the public one is printed")
    .argument("<origin>", "AUDIT_LOG_ORIGIN of the log it will sign")
    .argument("<file>", "where to write the private key; must not exist")
    .action(async (origin: string, file: string) => {
      const made = await makeSigningKey(origin, randomBytes(32));
      writeFileSync(file, `${made.signingKey}\n`, { flag: "wx", mode: 0o600 });
      console.log(made.verifierKey);
    });
  withExamples(keys.command("rotate"), "keys rotate --database $URL --origin example.com/log --from a --to b")
    .description("Hand the log over to another signing key by a statement that both keys sign, and record it in the database; both are read from files")
    .requiredOption("--database <url>", "the database of the log")
    .requiredOption("--origin <origin>", "AUDIT_LOG_ORIGIN of the log")
    .requiredOption("--from <file>", "private key in use")
    .requiredOption("--to <file>", "private key that takes over")
    .option("--at <time>", "when the old key retires, RFC 3339: late enough to give the sealer its new key before", "now")
    .option("--out <file>", "write the statement to this file too, to be handed to whoever verifies")
    .action(async (options: RotateOptions) => {
      const { statement, retired, successor } = await rotateKey(options);
      if (options.out !== undefined) writeFileSync(options.out, statement, { flag: "wx" });
      console.log(`${retired}\nhands over to\n${successor}\nNow give the sealer the new key: set AUDIT_SIGNING_KEY.`);
    });
  return keys;
}

type RotateOptions = {
  readonly database: string;
  readonly origin: string;
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly out?: string;
};

async function rotateKey(options: RotateOptions) {
  const at = options.at === "now" ? new Date() : new Date(options.at);
  if (Number.isNaN(at.getTime())) throw new Error("rotate key: --at: is not a time");
  const from = await parseSigningKey(readFileSync(options.from, "utf8"));
  const to = await parseSigningKey(readFileSync(options.to, "utf8"));
  return await announceRotation(options.database, options.origin, from, to, at);
}

/** Signs the statement and records it, as audit_job. Throws when the old key is not the one in use. */
export async function announceRotation(databaseUrl: string, logOrigin: string, from: NoteSigner, to: NoteSigner, at: Date) {
  const statement = await signKeyRotation(logOrigin, from, to, at);
  const [retired, successor] = [await formatVerifierKey(from), await formatVerifierKey(to)];
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin; set local role audit_job");
    // Whole seconds, as the statement says.
    const retiredAt = new Date(Math.floor(at.getTime() / 1000) * 1000).toISOString();
    await client.query("select audit_log.announce_key($1, $2, $3, $4, $5)", [retired, successor, logOrigin, retiredAt, statement]);
    await client.query("commit");
  } finally {
    await client.end();
  }
  return { statement, retired, successor };
}

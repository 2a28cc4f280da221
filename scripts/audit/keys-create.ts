import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { createKey } from "../../adapters/postgres/key-admin.ts";
import { sha256OfText } from "../../adapters/sha256.ts";
import { makeApiKey } from "../../core/api-key.ts";
import type { Scope } from "../../core/caller.ts";
import { formatTimestamp, parseTimestamp } from "../../core/format/timestamp.ts";
import { scopes } from "../../core/key-admin.ts";
import { limits } from "../../core/limits.ts";
import { withExamples } from "./examples.ts";
import { operatorEvent, silent, withDatabase } from "./operator.ts";
import { type DatabaseOptions, databaseTarget, tenantUuid, withDatabaseTarget } from "./target.ts";

type Options = DatabaseOptions & {
  readonly tenant: string;
  readonly scope: readonly Scope[];
  readonly name: string;
  readonly expires?: string;
  readonly json?: boolean;
};

/** `audit-events keys create`: the first API key of a project that has no admin yet; later ones are made by `POST /keys` or in the page. */
export function createApiKeyCommand(): Command {
  const command = withDatabaseTarget(
    new Command("create").description("Make an API key (aud_…): what a program shows to send or read events; printed once, only its hash is kept"),
  )
    .requiredOption("--tenant <id>", "the one tenant that the key opens; made when it is new")
    .requiredOption("--scope <scope...>", `what the key allows: ${scopes.join(", ")}`, readScopes)
    .option("--name <name>", "what people call the key", readName, "made by the operator's command")
    .option("--expires <time>", "when it ends, RFC 3339; never when absent", readTime)
    .option("--json", "tell the key as JSON")
    .action(run);
  return withExamples(
    command,
    "keys create --tenant 123e4567-e89b-12d3-a456-426614174000 --scope ingest",
    "keys create --local .audit --tenant 123e4567-e89b-12d3-a456-426614174000 --scope admin --name first",
  );
}

async function run(options: Options): Promise<void> {
  const url = databaseTarget(options);
  const tenantId = tenantUuid(options.tenant);
  const made = makeApiKey((length) => new Uint8Array(randomBytes(length)));
  const key = { id: made.id, tenantId, name: options.name, scopes: options.scope, expiresAt: options.expires, hash: sha256OfText(made.text) };
  const detail = { name: key.name, scopes: key.scopes, ...key.expiresAt === undefined ? {} : { expires_at: key.expiresAt } };
  const record = operatorEvent(url, tenantId, { type: "audit.key.created", objectType: "audit.key", objectId: key.id, detail });
  await withDatabase(url, (pool) => createKey(pool, silent, { role: "audit_job" }, key, record));
  if (options.json) console.log(JSON.stringify({ id: key.id, tenant_id: tenantId, scopes: key.scopes, expires_at: key.expiresAt ?? null, secret: made.text }));
  else {
    console.log(made.text);
    console.error(`API key ${key.id} for tenant ${tenantId}: ${key.scopes.join(", ")}. It is shown this once; keep it where your program finds it.`);
  }
}

function readName(text: string): string {
  if (text === "" || Buffer.byteLength(text) > limits.indexedBytesMax) throw new InvalidArgumentError(`It must have 1 to ${limits.indexedBytesMax} bytes.`);
  return text;
}

function readScopes(text: string, before: readonly Scope[] | undefined): readonly Scope[] {
  const named = text.split(",").filter((word) => word !== "");
  const unknown = named.find((word) => !(scopes as readonly string[]).includes(word));
  if (unknown !== undefined || named.length === 0) throw new InvalidArgumentError(`scopes are ${scopes.join(", ")}`);
  return scopes.filter((scope) => named.includes(scope) || before?.includes(scope));
}

function readTime(text: string): string {
  const ms = parseTimestamp(text);
  if (ms === undefined || ms <= Date.now()) throw new InvalidArgumentError("give an RFC 3339 time to come, like 2030-01-01T00:00:00Z");
  return formatTimestamp(ms);
}

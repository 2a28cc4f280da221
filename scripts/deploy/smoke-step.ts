import { CommandError } from "../audit/failure.ts";
import { formatVerifierKey, type NoteSigner, parseSigningKey } from "../../core/format/signed-note.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyReceipt } from "../../verify/receipt.ts";
import type { Project } from "../doctor/examine.ts";
import { secretKeyOf } from "./bucket-step.ts";
import { databaseUrlOf } from "./cli-steps.ts";
import { announce, type Step } from "./deployment.ts";
import { inDatabase } from "./in-database.ts";
import { checkTenant, createPassingKey } from "./tenant-step.ts";

const requestTimeoutMs = 60_000;
const receiptTimeoutMs = 90_000;
const receiptPauseMs = 1_000;
const keyLifeMs = 15 * 60_000;

/**
 * One event through everything that was deployed: posted, read back, sealed, its receipt checked by the verifier, which shares no code with the rest. It
 * belongs to a tenant of its own and stays, as every event does; the key that it is done with is revoked at the end, and expires anyway.
 */
export const smokeTest: Step = async (deployment) => {
  const { project, say } = deployment;
  if (!announce(deployment, `post an event to ${project.url}, read it back, seal it, verify its receipt`)) return;
  const databaseUrl = databaseUrlOf(project);
  const signer = await signerOf(project);
  const key = await inDatabase(databaseUrl, "audit_job", async (client) => {
    await client.query("select audit_log.create_tenant($1, $2)", [checkTenant.id, checkTenant.name]);
    return await createPassingKey(client, checkTenant.id, "smoke test", ["ingest", "read", "export"], new Date(Date.now() + keyLifeMs));
  });
  try {
    const stored = await postEvent(project.url, key.text);
    say(`  stored   ${stored.id}`);
    await readBack(project.url, key.text, stored);
    say("  read     the same leaf hash");
    const receipt = await awaitReceipt(deployment.stop, project.url, key.text, secretKeyOf(project), stored);
    const proven = await verifyReceipt(receipt, await followRotations([await formatVerifierKey(signer)], []));
    if (proven.event["id"] !== stored.id) throw new CommandError("smoke_failed", "verify receipt: it proves another event than the one that was posted");
    say(`  verified leaf ${proven.index} of ${proven.checkpoint.origin}, tree size ${proven.checkpoint.size}`);
  } finally {
    await inDatabase(databaseUrl, "audit_job", (client) => client.query("select audit_log.revoke_key($1, $2)", [checkTenant.id, key.id]));
  }
};

/** The key that signs the receipt: its public half is what the receipt is verified with. */
export async function signerOf({ settings }: Project): Promise<NoteSigner> {
  const name = "AUDIT_SIGNING_KEY";
  const hint = "put the key that the functions sign with into the file of --env-file; for a new log make one: npm run audit -- keys new ORIGIN FILE";
  const key = settings[name];
  if (key === undefined) throw new CommandError("no_signing_key", `${name}: is not set`, hint);
  return await parseSigningKey(key).catch((cause: unknown) => {
    throw new CommandError("no_signing_key", `${name}: ${(cause as Error).message}`, hint, cause);
  });
}

type Stored = { readonly id: string; readonly occurred_at: string; readonly leaf_hash: string };

async function postEvent(url: string, key: string): Promise<Stored> {
  const event = { event_type: "deployment.checked", object_type: "deployment", object_id: new URL(url).host, source: "audit-events" };
  const answer = await ask("post event", `${url}/functions/v1/audit-logger`, { authorization: `Bearer ${key}` }, JSON.stringify({ events: [event] }));
  if (answer.status !== 201) throw unexpected("post event", answer);
  return (JSON.parse(answer.text) as { readonly results: readonly [Stored] }).results[0];
}

async function readBack(url: string, key: string, { id, occurred_at, leaf_hash }: Stored): Promise<void> {
  const answer = await ask("read event", `${apiUrl(url)}/events/${id}?at=${encodeURIComponent(occurred_at)}`, { authorization: `Bearer ${key}` });
  if (answer.status !== 200) throw unexpected("read event", answer);
  const { event } = JSON.parse(answer.text) as { readonly event: { readonly leaf_hash: string } };
  if (event.leaf_hash !== leaf_hash) throw new CommandError("smoke_failed", "read event: its leaf hash is not the one that was answered when it was stored");
}

/** Calls the sealer until the receipt is there: an event is sealed when every one before it has been, and the schedule may be sealing too. */
async function awaitReceipt(stop: AbortSignal, url: string, key: string, secretKey: string, { id, occurred_at }: Stored): Promise<string> {
  const deadline = Date.now() + receiptTimeoutMs;
  for (;;) {
    stop.throwIfAborted();
    const sealed = await ask("seal events", `${url}/functions/v1/audit-sealer`, { apikey: secretKey }, "{}");
    if (sealed.status !== 200) throw unexpected("seal events", sealed);
    const answer = await ask("read receipt", `${apiUrl(url)}/events/${id}/receipt?at=${encodeURIComponent(occurred_at)}`, { authorization: `Bearer ${key}` });
    if (answer.status === 200) return answer.text;
    if (Date.now() > deadline) throw unexpected("read receipt", answer);
    await new Promise((resolve) => setTimeout(resolve, receiptPauseMs));
  }
}

type Answer = { readonly status: number; readonly text: string };

async function ask(action: string, url: string, headers: Readonly<Record<string, string>>, body?: string): Promise<Answer> {
  const init = body === undefined ? { headers } : { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeoutMs) });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new CommandError("smoke_failed", `${action}: ${url}: nothing answers there`, "check SUPABASE_PROJECT_REF and the network", cause);
  }
}

function apiUrl(url: string): string {
  return `${url}/functions/v1/audit-api/api/v1/audit`;
}

function unexpected(action: string, { status, text }: Answer): CommandError {
  return new CommandError("smoke_failed", `${action}: answered ${status}: ${text.slice(0, 500)}`, "read the function's log in the dashboard");
}

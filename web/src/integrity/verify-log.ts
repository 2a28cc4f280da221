import { fromBase64, toHex } from "../../../verify/bytes.ts";
import { type Checkpoint, openCheckpoint, tenantOf } from "../../../verify/checkpoint.ts";
import type { KeyRing } from "../../../verify/keys.ts";
import { isConsistent } from "../../../verify/merkle.ts";
import { sha256 } from "../../../verify/sha256.ts";
import type { Api } from "../api.ts";
import { formatSecond } from "../time-format.ts";
import { keyRingOf } from "./key-ring.ts";

export type Finding = { readonly outcome: "good" | "bad" | "unknown"; readonly title: string; readonly detail: string };

export type LogCheck = { readonly checkpoint: Checkpoint | undefined; readonly note: string; readonly findings: readonly Finding[] };

type Consistency = { readonly proof: readonly string[] };

/**
 * Checks the newest checkpoint in this browser: that it is signed, of this tenant's log, and that the log has only grown since the checkpoint `kept`,
 * if there is one. All of it with the independent verifier; the service is asked for the notes and the proof, not for an opinion.
 */
export async function verifyLog(api: Api, tenantId: string, kept: string | undefined): Promise<LogCheck> {
  const ring = await keyRingOf(api, tenantId);
  const note = await (await api.open("checkpoints/latest", { tenant_id: tenantId })).text();
  const opened = await opening(note, ring);
  if (typeof opened === "string") {
    return { checkpoint: undefined, note, findings: [{ outcome: "bad", title: "The newest checkpoint does not verify", detail: opened }] };
  }
  const findings: Finding[] = [signed(opened, tenantId)];
  if (kept !== undefined) findings.push(await grown(api, tenantId, ring, kept, opened));
  return { checkpoint: opened, note, findings };
}

async function opening(note: string, ring: KeyRing): Promise<Checkpoint | string> {
  return await openCheckpoint(note, ring).catch((error: unknown) => error instanceof Error ? error.message : "unexpected fault");
}

function signed(checkpoint: Checkpoint, tenantId: string): Finding {
  if (tenantOf(checkpoint.origin) !== tenantId) return { outcome: "bad", title: "The newest checkpoint is of another log", detail: checkpoint.origin };
  const { size, signedAt, root } = checkpoint;
  const detail = `${size.toLocaleString("en")} events, signed ${secondOf(signedAt)}, root ${toHex(root)}.`;
  return { outcome: "good", title: "The newest checkpoint is signed by the log's key", detail };
}

function secondOf(time: Date): string {
  return `${formatSecond(time.toISOString(), "utc")} UTC`;
}

async function grown(api: Api, tenantId: string, ring: KeyRing, kept: string, newest: Checkpoint): Promise<Finding> {
  const older = await opening(kept, ring);
  if (typeof older === "string") return { outcome: "bad", title: "The older checkpoint does not verify with this log's keys", detail: older };
  if (older.origin !== newest.origin) return { outcome: "bad", title: "The older checkpoint is of another log", detail: older.origin };
  const since = `the checkpoint of ${older.size.toLocaleString("en")} events, signed ${secondOf(older.signedAt)}`;
  if (older.size > newest.size) {
    return {
      outcome: "bad",
      title: "The log is shorter than it was",
      detail: `It had ${older.size.toLocaleString("en")} events and has ${newest.size.toLocaleString("en")}: it was rolled back since ${since}.`,
    };
  }
  const parameters = { tenant_id: tenantId, from: String(older.size), to: String(newest.size) };
  const { proof } = older.size === newest.size ? { proof: [] } : await api.get<Consistency>("consistency", parameters);
  const nodes = proof.map(fromBase64);
  const holds = nodes.every((node) => node !== undefined) && isConsistent(sha256, older, newest, nodes);
  return holds
    ? { outcome: "good", title: "Nothing was changed or removed since the older checkpoint", detail: `A proof leads from ${since}, to the newest.` }
    : { outcome: "bad", title: "The log is not the one that it was", detail: `What was sealed before ${since}, has been changed or removed.` };
}

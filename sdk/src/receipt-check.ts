import { leafHash, leafOf } from "../../verify/leaf.ts";
import { sha256 } from "../../verify/sha256.ts";
import { toHex } from "../../verify/bytes.ts";
import { storedForm } from "./stored-form.ts";
import type { Entry, Verdict } from "./delivery/state.ts";
import type { ReceiptCheck } from "./http-door.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What only the server knows of a stored event. */
type ServerFields = { readonly received_at?: unknown; readonly principal?: unknown } & Fields;

/** The fields that an end user's request fills in where the event does not say them. */
const requestFields = ["ip_address", "user_agent", "device_fingerprint"];

/**
 * Says of every stored event whether the leaf hash in the answer `body` is that of what was sent, with the fields that only the server sets taken
 * from the answer. `unverifiable`: the answer does not say all of them, for instance the tenant.
 */
export const checkReceipts: ReceiptCheck = (body, batch, verdicts) => {
  const answer = body as Fields;
  const results = new Map((answer["results"] as readonly Fields[]).map((result) => [result["index"], result]));
  return batch.entries.map((entry, index) => {
    const verdict = verdicts[index] as Verdict;
    if (verdict.status !== "created" && verdict.status !== "duplicate") return verdict;
    const result = results.get(index) ?? {};
    const server = verdict.status === "duplicate"
      ? result["stored"]
      : { ...answer["request_fields"] as Fields, received_at: answer["received_at"], principal: answer["principal"] };
    const receipt = receiptOf(entry, server as ServerFields | undefined, answer["tenant_id"], result["leaf_hash"]);
    const error = receipt === "mismatch" ? { code: "receipt_mismatch", message: "leaf hash: does not belong to what was sent" } : undefined;
    return { ...verdict, receipt, error };
  });
};

function receiptOf(entry: Entry, server: ServerFields | undefined, tenantId: unknown, hash: unknown): "verified" | "mismatch" | "unverifiable" {
  const sent = storedForm(JSON.parse(entry.json) as Fields);
  const filled = Object.fromEntries(requestFields.map((name) => [name, sent[name] ?? server?.[name]]));
  const event: Fields = { ...sent, ...filled, tenant_id: sent["tenant_id"] ?? tenantId, received_at: server?.received_at, principal: server?.principal };
  if (["tenant_id", "received_at", "principal"].some((name) => typeof event[name] !== "string") || typeof hash !== "string") return "unverifiable";
  return toHex(leafHash(sha256, leafOf(event))) === hash ? "verified" : "mismatch";
}

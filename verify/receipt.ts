import { equalBytes, fromBase64 } from "./bytes.ts";
import { type Checkpoint, openCheckpoint, tenantOf } from "./checkpoint.ts";
import { parseJson } from "./json.ts";
import type { KeyRing } from "./keys.ts";
import { canonical, type EventRecord, leafHash, leafOf } from "./leaf.ts";
import { rootOfPath } from "./merkle.ts";
import { type Hash, sha256 } from "./sha256.ts";

/** An event that is proven: it stood at `index` of the log when the checkpoint was signed. */
export type ProvenEvent = {
  /** Its columns, out of the leaf that was proven. */
  readonly event: EventRecord;
  /** Its place in the tenant's log, from 0. */
  readonly index: number;
  /** The signed statement of the log that it stood in. */
  readonly checkpoint: Checkpoint;
};

/**
 * Checks a receipt (C2SP tlog-proof) and returns the event it proves. The receipt's extra line carries the leaf; it needs no trust, because
 * another leaf would have another hash. With `event`, that event must be the one. Throws, saying why, when anything does not fit.
 */
export async function verifyReceipt(receipt: string, ring: KeyRing, event?: EventRecord, hash: Hash = sha256): Promise<ProvenEvent> {
  const split = receipt.indexOf("\n\n");
  const [header, ...lines] = receipt.slice(0, Math.max(0, split)).split("\n");
  if (header !== "c2sp.org/tlog-proof@v1") throw new Error("verify receipt: first line: is not c2sp.org/tlog-proof@v1");
  const extra = lines[0]?.startsWith("extra ") ? lines.shift()?.slice(6) : undefined;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  const path = lines.map(fromBase64);
  if (index === undefined || !path.every((node) => node !== undefined)) throw new Error("verify receipt: index or path: is not valid");
  const leaf = leafFrom(extra, event);
  const checkpoint = await openCheckpoint(receipt.slice(split + 2), ring);
  const root = rootOfPath(hash, leafHash(hash, leaf), Number(index), checkpoint.size, path);
  if (root === undefined || !equalBytes(root, checkpoint.root)) throw new Error("verify receipt: event: is not in the log that the checkpoint states");
  const { v: _, ...proven } = parseJson(leaf) as Record<string, unknown>;
  if (tenantOf(checkpoint.origin) !== proven["tenant_id"]) throw new Error("verify receipt: event: is of another tenant than the log");
  return { event: proven, index: Number(index), checkpoint };
}

/** The leaf to be proven: the event's, which a leaf that came along must equal. */
function leafFrom(extra: string | undefined, event: EventRecord | undefined): string {
  const bytes = extra === undefined ? undefined : fromBase64(extra);
  if (extra !== undefined && bytes === undefined) throw new Error("verify receipt: extra: is not Base 64");
  const carried = bytes === undefined ? undefined : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (carried !== undefined && canonical(parseJson(carried)) !== carried) throw new Error("verify receipt: leaf: is not canonical JSON");
  const given = event === undefined ? undefined : leafOf(event);
  const leaf = given ?? carried;
  if (leaf === undefined) throw new Error("verify receipt: event: is missing, and the receipt does not carry it");
  if (carried !== undefined && carried !== leaf) throw new Error("verify receipt: event: is not the one that the receipt is for");
  return leaf;
}

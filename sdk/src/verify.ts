/** Checks receipts and leaf hashes offline: with a key that you keep, and without trusting the service. */
import { toHex } from "../../verify/bytes.ts";
import { followRotations } from "../../verify/keys.ts";
import { type EventRecord, leafHash, leafOf } from "../../verify/leaf.ts";
import { type ProvenEvent, verifyReceipt as proveEvent } from "../../verify/receipt.ts";
import { sha256 } from "../../verify/sha256.ts";

export type { Checkpoint } from "../../verify/checkpoint.ts";
export type { EventRecord } from "../../verify/leaf.ts";
export type { ProvenEvent } from "../../verify/receipt.ts";

/** Whom you believe about a log. */
export type TrustedKeys = {
  /** Public keys as text, `<name>+<id>+<Base 64>`: those that the operator published. */
  readonly keys: readonly string[];
  /** Statements by which a key handed over to another, `docs/how-to/rotate-keys.md`. */
  readonly rotations?: readonly string[];
};

/**
 * The event that `receipt` (C2SP tlog-proof) proves: it stood in the tenant's log when the checkpoint in the receipt was signed by one of `trusted`.
 * With `event`, it must be that one. Throws an Error that says what does not fit.
 */
export async function verifyReceipt(receipt: string, trusted: TrustedKeys, event?: EventRecord): Promise<ProvenEvent> {
  return await proveEvent(receipt, await followRotations(trusted.keys, trusted.rotations ?? []), event);
}

/** The leaf hash of a stored event, hexadecimal: RFC 6962 section 2.1 over its canonical JSON. What is not part of the leaf is left out. */
export function leafHashOf(event: EventRecord): string {
  return toHex(leafHash(sha256, leafOf(event)));
}

/** True when an event's own `leaf_hash`, as list, export and stream carry it, is the hash of its fields. */
export function hasItsLeafHash(event: EventRecord): boolean {
  return event["leaf_hash"] === leafHashOf(event);
}

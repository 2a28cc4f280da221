import { useState } from "react";
import { Button } from "react-aria-components";
import { followRotations } from "../../verify/keys.ts";
import type { EventRecord } from "../../verify/leaf.ts";
import { verifyReceipt } from "../../verify/receipt.ts";
import { type Api, ApiProblem, type ListedEvent } from "./api.ts";

type State =
  | { readonly kind: "unasked" | "checking" | "unsealed" }
  | { readonly kind: "proven"; readonly receipt: string; readonly index: number; readonly size: number }
  | { readonly kind: "refuted"; readonly why: string }
  | { readonly kind: "unchecked"; readonly why: string };

type PublicKeys = { readonly keys: readonly string[]; readonly rotations: readonly string[] };

/**
 * Fetches the event's receipt and checks it here, with the independent verifier, against what this page shows. The key comes from the same
 * service: it proves that event, tree and signature belong together, not that this key is the right one; the text says so.
 */
export function VerifyBadge({ api, event }: { readonly api: Api; readonly event: ListedEvent }) {
  const [state, setState] = useState<State>({ kind: "unasked" });
  const check = async () => {
    setState({ kind: "checking" });
    setState(await checked(api, event));
  };
  return (
    <div className={`badge ${state.kind}`} role="status">
      {state.kind === "unasked" && <Button onPress={() => void check()}>Verify this event</Button>}
      {state.kind === "checking" && "Checking the receipt in this browser…"}
      {state.kind === "unsealed" && (
        <>
          Stored, but not sealed yet. <Button onPress={() => void check()}>Check again</Button>
        </>
      )}
      {state.kind === "proven" && (
        <>
          <strong>✓ Verified</strong> leaf {state.index.toLocaleString()} of{" "}
          {state.size.toLocaleString()}, checked in this browser with the key this service names.
          <a className="button" download={`${event.id}.tlog-proof`} href={`data:text/plain;charset=utf-8,${encodeURIComponent(state.receipt)}`}>
            Download the receipt
          </a>
        </>
      )}
      {state.kind === "refuted" && (
        <>
          <strong>✕ Does not verify</strong> {state.why}. Keep this page and tell your security team.
        </>
      )}
      {state.kind === "unchecked" && (
        <>
          Could not be checked: {state.why} <Button onPress={() => void check()}>Try again</Button>
        </>
      )}
    </div>
  );
}

async function checked(api: Api, event: ListedEvent): Promise<State> {
  const place = { tenant_id: event.tenant_id, at: event.occurred_at };
  let receipt: string;
  let keys: PublicKeys;
  try {
    receipt = await (await api.open(`events/${event.id}/receipt`, place)).text();
    keys = await api.get<PublicKeys>("checkpoints/keys", { tenant_id: event.tenant_id });
  } catch (error) {
    if (error instanceof ApiProblem && (error.code === "not_sealed" || error.status === 409)) return { kind: "unsealed" };
    return { kind: "unchecked", why: error instanceof Error ? error.message : "unexpected fault" };
  }
  try {
    const { href: _, leaf_hash: __, log_index: ___, ...own } = event;
    const ring = await followRotations(keys.keys, keys.rotations);
    const proven = await verifyReceipt(receipt, ring, own as EventRecord);
    return { kind: "proven", receipt, index: proven.index, size: proven.checkpoint.size };
  } catch (error) {
    return { kind: "refuted", why: error instanceof Error ? error.message : "unexpected fault" };
  }
}

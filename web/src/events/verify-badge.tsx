import { useRef, useState } from "react";
import { Button } from "react-aria-components";
import type { EventRecord } from "../../../verify/leaf.ts";
import { verifyReceipt } from "../../../verify/receipt.ts";
import { type Api, ApiProblem, type ListedEvent } from "../api.ts";
import { keyRingOf } from "../integrity/key-ring.ts";
import { saveFile } from "../save-file.ts";

type State =
  | { readonly kind: "unasked" | "checking" | "unsealed" }
  | { readonly kind: "proven"; readonly receipt: string; readonly index: number; readonly size: number; readonly signedAt: Date }
  | { readonly kind: "refuted"; readonly why: string }
  | { readonly kind: "unchecked"; readonly why: string };

/**
 * Fetches the event's receipt and checks it here, with the independent verifier, against what this page shows. The key comes from the same
 * service: it proves that event, tree and signature belong together, not that this key is the right one; the text says so.
 */
export function VerifyBadge({ api, event }: { readonly api: Api; readonly event: ListedEvent }) {
  const [state, setState] = useState<State>({ kind: "unasked" });
  const box = useRef<HTMLDivElement>(null);
  const check = async () => {
    // The button goes away: the keyboard stays where the outcome will be.
    box.current?.focus({ preventScroll: true });
    setState({ kind: "checking" });
    setState(await checked(api, event));
  };
  return (
    <div className={`badge ${state.kind}`} role="status" ref={box} tabIndex={-1}>
      {state.kind === "unasked" && (
        <>
          <Button onPress={() => void check()}>Verify this event</Button>
          <span className="small">Checks its receipt in this browser.</span>
        </>
      )}
      {state.kind === "checking" && "Checking the receipt in this browser…"}
      {state.kind === "unsealed" && (
        <>
          Stored, but not sealed yet. <Button onPress={() => void check()}>Check again</Button>
        </>
      )}
      {state.kind === "proven" && (
        <>
          <strong>✓ Verified</strong>
          <p>
            Leaf {state.index.toLocaleString("en")} of {state.size.toLocaleString("en")}, signed {state.signedAt.toISOString().slice(0, 19).replace("T", " ")}
            {" "}
            UTC. Checked in this browser with the key this service names.
          </p>
          <Button onPress={() => saveFile(new Blob([state.receipt], { type: "text/plain" }), `${event.id}.tlog-proof`)}>Download the receipt</Button>
        </>
      )}
      {state.kind === "refuted" && (
        <>
          <strong>✕ Does not verify</strong>
          <p>{state.why}. Keep this page and tell your security team.</p>
        </>
      )}
      {state.kind === "unchecked" && (
        <>
          <p>Could not be checked: {state.why}</p> <Button onPress={() => void check()}>Try again</Button>
        </>
      )}
    </div>
  );
}

async function checked(api: Api, event: ListedEvent): Promise<State> {
  const place = { tenant_id: event.tenant_id, at: event.occurred_at };
  let receipt: string;
  let ring: Awaited<ReturnType<typeof keyRingOf>>;
  try {
    receipt = await (await api.open(`events/${event.id}/receipt`, place)).text();
    ring = await keyRingOf(api, event.tenant_id);
  } catch (error) {
    if (error instanceof ApiProblem && (error.code === "not_sealed" || error.status === 409)) return { kind: "unsealed" };
    return { kind: "unchecked", why: error instanceof Error ? error.message : "unexpected fault" };
  }
  try {
    const { href: _, leaf_hash: __, log_index: ___, deleted: ____, ...own } = event;
    const { index, checkpoint } = await verifyReceipt(receipt, ring, own as EventRecord);
    return { kind: "proven", receipt, index, size: checkpoint.size, signedAt: checkpoint.signedAt };
  } catch (error) {
    return { kind: "refuted", why: error instanceof Error ? error.message : "unexpected fault" };
  }
}

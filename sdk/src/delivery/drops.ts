import type { DropReason } from "../event.ts";
import type { Runtime } from "../runtime.ts";
import type { DeliveryState } from "./state.ts";

/** Counts `count` events of a tenant as given up now, to be reported. */
export function recordDrop(state: DeliveryState & { readonly runtime: Runtime }, tenantId: string | undefined, reason: DropReason, count = 1): void {
  state.dropped.total += count;
  state.dropped[reason] += count;
  const account = state.unreported.get(tenantId) ?? { count: 0, reasons: {}, since: state.runtime.now() };
  account.count += count;
  account.reasons[reason] = (account.reasons[reason] ?? 0) + count;
  state.unreported.set(tenantId, account);
}

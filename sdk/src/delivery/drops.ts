import type { DropReason } from "../event.ts";
import type { DeliveryState } from "./state.ts";

/** Counts `count` events of a tenant as given up at `at`, milliseconds since 1970, to be reported. */
export function recordDrop(state: DeliveryState, tenantId: string | undefined, reason: DropReason, at: number, count = 1): void {
  state.dropped.total += count;
  state.dropped[reason] += count;
  const account = state.unreported.get(tenantId) ?? { count: 0, reasons: {}, since: at };
  account.count += count;
  account.reasons[reason] = (account.reasons[reason] ?? 0) + count;
  state.unreported.set(tenantId, account);
}

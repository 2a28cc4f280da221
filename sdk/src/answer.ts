import type { Entry, Verdict } from "./delivery/state.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The verdict on each of `entries` in the answer `body`; undefined unless the body speaks of exactly these events. The counts must agree with the
 * list, so that an answer cut short or meant for another batch is never taken for an acknowledgement. `isMinimal`: what was created is not listed.
 */
export function readVerdicts(body: Fields, entries: readonly Entry[], isMinimal: boolean): Verdict[] | undefined {
  const { results, received_at: receivedAt } = body as { readonly results?: unknown; readonly received_at?: string };
  if (!Array.isArray(results)) return undefined;
  const counts = { created: 0, duplicate: 0, rejected: 0 };
  const verdicts: Verdict[] = [];
  for (const result of results) {
    const { index, id, occurred_at: occurredAt, status, leaf_hash: leafHash, stored, error } = Object(result);
    const entry = entries[index];
    if (!entry || verdicts[index] || (id && entry.id && id !== entry.id.toLowerCase())) return undefined;
    const isRefused = status === "rejected" || status === "conflict";
    verdicts[index] = isRefused
      ? { status, error: { code: status, message: "", ...error } }
      : { status, occurredAt: occurredAt ?? entry.occurredAt, receivedAt: stored?.received_at ?? receivedAt, leafHash };
    counts[(isRefused ? "rejected" : status) as keyof typeof counts]++;
  }
  entries.forEach((_, index) => {
    if (!isMinimal || verdicts[index]) return;
    verdicts[index] = { status: "created", receivedAt };
    counts.created++;
  });
  // With the list whole and no other word in it, every verdict is one of those counted.
  const isWhole = Object.entries(counts).every(([name, count]) => count === body[`${name}_count`]);
  return isWhole && Object.keys(verdicts).length === entries.length ? verdicts : undefined;
}

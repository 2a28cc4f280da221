/** What a check found wrong. */
export type Finding = {
  readonly kind:
    | "event_changed"
    | "event_missing"
    | "event_added"
    | "event_differs_unsealed"
    | "event_hidden"
    | "tile_changed"
    | "tree_changed"
    | "checkpoint_invalid"
    | "checkpoint_changed"
    | "checkpoint_differs"
    | "rolled_back"
    | "key_invalid";
  readonly tenant_id?: string;
  /** Place in the tenant's log, from 0. */
  readonly index?: number;
  readonly id?: string;
  readonly occurred_at?: string;
  /** The column that was changed, when it can be told. */
  readonly column?: string;
  readonly message: string;
};

/** What one tenant's log amounts to. */
export type TenantReport = {
  readonly tenant_id: string;
  readonly size: number;
  readonly root: string;
  /** Checkpoints, of the log and brought along, whose root was recomputed and found right. */
  readonly checkpoints: number;
  readonly signed_at?: string;
  readonly findings: number;
};

export type LogReport = {
  readonly sound: boolean;
  readonly events: number;
  readonly unsealed: number;
  /** Events that were deleted when their time was over; their hashes are still in the tree. */
  readonly expired?: number;
  /** Events of an export that can be neither proven nor refuted by the checkpoints at hand. */
  readonly unproven?: number;
  readonly tenants: readonly TenantReport[];
  /** The first event, in the order of insertion, that is not as it was sealed. */
  readonly first_bad_event?: Finding;
  /** The first of them, in the order of the log; `finding_count` counts all. */
  readonly findings: readonly Finding[];
  readonly finding_count: number;
};

/** Findings kept in full; a wiped log would have millions. */
const findingsMax = 100;

/** Collects findings, counts those it does not keep. */
export function findingList() {
  const kept: Finding[] = [];
  let count = 0;
  return {
    add(finding: Finding): void {
      count++;
      if (kept.length < findingsMax) kept.push(finding);
    },
    kept,
    count: () => count,
  };
}
export type FindingList = ReturnType<typeof findingList>;

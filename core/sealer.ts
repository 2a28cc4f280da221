import { AuditError } from "./errors.ts";
import { type JoinPairs, joinWith } from "./format/merkle.ts";
import { formatVerifierKey, type NoteSigner, type NoteVerifier } from "./format/signed-note.ts";
import type { Sha256 } from "./ports.ts";
import type { CheckedEvent, SealRow, SealStore } from "./seal-store.ts";
import { trustedKeys } from "./trusted-keys.ts";

export type SealDependencies = {
  readonly store: SealStore;
  readonly signer: NoteSigner;
  /** Tenants' checkpoints have the origin `<logOrigin>/<tenant id>`. */
  readonly logOrigin: string;
  readonly sha256: Sha256;
  /** Joins inner nodes; one by one with `sha256` unless told otherwise. */
  readonly joinPairs?: JoinPairs;
  readonly now: () => Date;
  readonly sleep: (ms: number) => Promise<void>;
};

/** How much one call may do. A turn is one transaction; no turn begins after `budgetMs`. */
export type SealBounds = {
  readonly rowsPerTurn: number;
  readonly tenantsPerTurn: number;
  readonly budgetMs: number;
  /** How long a call waits in all for running transactions, which keep new events shut, before it leaves them to the next call. */
  readonly waitMs: number;
};

/** A sealer whose key may sign here. */
export type Sealer = SealDependencies & {
  readonly verifierKey: string;
  readonly join: JoinPairs;
  /** Keys whose signature on a last checkpoint is believed: ours, and those that handed over to it. */
  readonly verifierOf: (verifierKey: string) => Promise<NoteVerifier | undefined>;
};

/** Asks whether the key may sign here. Throws `conflict` when it may not, `unavailable` when the database is away. */
export async function openSealer(dependencies: SealDependencies): Promise<Sealer> {
  const { store, signer, logOrigin } = dependencies;
  const verifierKey = await formatVerifierKey(signer);
  const standing = await store.useKey(verifierKey, logOrigin);
  if (standing !== "usable") throw new AuditError("conflict", `seal: signing key: is ${standing === "retired" ? "retired" : "not announced here"}`);
  const join = dependencies.joinPairs ?? joinWith(dependencies.sha256);
  return { ...dependencies, verifierKey, join, verifierOf: trustedKeys(signer, logOrigin, () => store.rotations()) };
}

/** Events by tenant, in their order. */
export function byTenantOf(events: readonly CheckedEvent[]): Map<string, SealRow[]> {
  const byTenant = new Map<string, SealRow[]>();
  for (const event of events) {
    const ofTenant = byTenant.get(event.tenantId);
    if (ofTenant === undefined) byTenant.set(event.tenantId, [event]);
    else ofTenant.push(event);
  }
  return byTenant;
}

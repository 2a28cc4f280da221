import { AuditError } from "./errors.ts";
import { isHex } from "./format/hex.ts";
import { formatVerifierKey, type NoteSigner, type NoteVerifier } from "./format/signed-note.ts";
import { leafHashWithin } from "./leaf.ts";
import type { Sha256 } from "./ports.ts";
import type { CommittedEvent, SealProblem, SealRow, SealStore } from "./seal-store.ts";
import { trustedKeys } from "./trusted-keys.ts";

export type SealDependencies = {
  readonly store: SealStore;
  readonly signer: NoteSigner;
  /** Tenants' checkpoints have the origin `<logOrigin>/<tenant id>`. */
  readonly logOrigin: string;
  readonly sha256: Sha256;
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
  /** Keys whose signature on a last checkpoint is believed: ours, and those that handed over to it. */
  readonly verifierOf: (verifierKey: string) => Promise<NoteVerifier | undefined>;
};

/** Asks whether the key may sign here. Throws `conflict` when it may not, `unavailable` when the database is away. */
export async function openSealer(dependencies: SealDependencies): Promise<Sealer> {
  const { store, signer, logOrigin } = dependencies;
  const verifierKey = await formatVerifierKey(signer);
  const standing = await store.useKey(verifierKey, logOrigin);
  if (standing !== "usable") throw new AuditError("conflict", `seal: signing key: is ${standing === "retired" ? "retired" : "not announced here"}`);
  return { ...dependencies, verifierKey, verifierOf: trustedKeys(signer, logOrigin, () => store.rotations()) };
}

/** Events by tenant, each after its leaf was hashed again and compared; those that differ apart. `lastSeq` is that of the last, or `afterSeq`. */
export async function checkRows(pages: AsyncIterable<readonly CommittedEvent[]> | readonly (readonly CommittedEvent[])[], sha256: Sha256, afterSeq: number) {
  const byTenant = new Map<string, SealRow[]>();
  const problems: SealProblem[] = [];
  let count = 0;
  let lastSeq = afterSeq;
  for await (const page of pages) {
    for (const found of page) {
      count++;
      lastSeq = found.seq;
      const rebuilt = found.leaf === undefined ? undefined : leafHashWithin(found.leaf, sha256);
      if (rebuilt === undefined || !isHex(rebuilt, found.leafHashHex)) {
        problems.push({ found, rebuilt });
        continue;
      }
      const { tenantId, occurredAt, id, seq } = found;
      // Kept until the turn ends: the time as a number, or it would keep the text of the whole row.
      const row: SealRow = { occurredAtMs: Date.parse(occurredAt), id, seq, leafHash: rebuilt };
      const ofTenant = byTenant.get(tenantId);
      if (ofTenant === undefined) byTenant.set(tenantId, [row]);
      else ofTenant.push(row);
    }
  }
  return { byTenant, problems, count, lastSeq };
}

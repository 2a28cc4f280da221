import { type BundleDependencies, writeBundles } from "./checkpoint-bundle.ts";
import { trustedKeys } from "./trusted-keys.ts";

export type CheckpointCareDependencies = Omit<BundleDependencies, "archive" | "verifierOf"> & {
  /** Undefined when no archive is configured: checkpoints then stay in the database alone, and are thinned there. */
  readonly archive: BundleDependencies["archive"] | undefined;
  readonly thin: (since: Date, limit: number) => Promise<number>;
};

const everyMs = 60_000;
const bundlesAtOnce = 2;
const thinnedAtOnce = 2000;
/** Thinning looks this far back: after a longer pause the rest stays, which costs room and nothing else. */
const thinnedBackMs = 4 * 86_400_000;

/**
 * What checkpoints need besides being signed, at most once a minute: to leave the database hour by hour, and to be thinned there. Returns what it
 * did for the sealer's answer; nothing when it is not due yet.
 */
export function createCheckpointCare(dependencies: CheckpointCareDependencies): () => Promise<Readonly<Record<string, unknown>>> {
  const { archive, source, signer, logOrigin, now, thin } = dependencies;
  let dueAt = 0;
  return async () => {
    const startedAt = now().getTime();
    if (startedAt < dueAt) return {};
    const verifierOf = trustedKeys(signer, logOrigin, source.rotations);
    const none = { written: [], contradicted: [], foreign: [], missing: [] };
    const bundles = archive === undefined ? none : await writeBundles({ ...dependencies, archive, verifierOf }, bundlesAtOnce);
    const thinned = await thin(new Date(startedAt - thinnedBackMs), thinnedAtOnce);
    const isMoreLikely = thinned === thinnedAtOnce || bundles.written.length === bundlesAtOnce;
    dueAt = isMoreLikely ? 0 : startedAt + everyMs;
    return { bundles: bundles.written, contradicted: bundles.contradicted, foreign: bundles.foreign, missing: bundles.missing, thinned };
  };
}

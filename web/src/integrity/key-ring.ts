import { followRotations, type KeyRing } from "../../../verify/keys.ts";
import type { Api } from "../api.ts";

type PublicKeys = { readonly keys: readonly string[]; readonly rotations: readonly string[] };

/** The keys that the service says it signs with. What they prove hangs on their being the right ones: that is for whoever compares them with a copy. */
export async function keyRingOf(api: Api, tenantId: string | undefined): Promise<KeyRing> {
  const { keys, rotations } = await api.get<PublicKeys>("checkpoints/keys", { tenant_id: tenantId });
  return await followRotations(keys, rotations);
}

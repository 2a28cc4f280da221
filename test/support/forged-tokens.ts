import { forgedApiKeys, forgedClaims, forgedProjectKeys, forgedTenants } from "./forged-tokens-claims.ts";
import { forgedAlgorithms, forgedHeaders, forgedSignatures } from "./forged-tokens-jwt.ts";
import type { Forgery, ForgeryScope } from "./forged-tokens-signer.ts";

/** Every forged credential. All are made from the scope, so that each would be good if only its one fault were overlooked. */
export function forgedCredentials(scope: ForgeryScope): readonly Forgery[] {
  return [
    ...forgedAlgorithms(scope),
    ...forgedHeaders(scope),
    ...forgedSignatures(scope),
    ...forgedClaims(scope),
    ...forgedTenants(scope),
    ...forgedApiKeys(scope),
    ...forgedProjectKeys(scope),
  ];
}

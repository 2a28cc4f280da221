import { keepRefusal, learnCredentials } from "./kept-output.ts";

/** Before each test file: every credential that a test sends is a secret from then on, and every refusal is kept, for the scan when the run is over. */
const plainFetch = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  learnCredentials(new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined)));
  const response = await plainFetch(input, init);
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    response.clone().text().then((text) => keepRefusal(response, text), () => undefined);
  }
  return response;
};

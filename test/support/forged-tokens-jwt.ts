import { generateKeyPairSync, sign } from "node:crypto";
import {
  base64,
  bearer,
  type Claims,
  createSigner,
  type Forgery,
  type ForgeryScope,
  goodClaims,
  hmac,
  noSignature,
  signedToken,
  signedTokenOf,
  withSignature,
} from "./forged-tokens-signer.ts";

/** RFC 8725 section 2.1: the algorithm must not be the token's to choose. */
export function forgedAlgorithms(scope: ForgeryScope): Forgery[] {
  const { signer } = scope;
  const claims = goodClaims(scope);
  const pem = signer.publicKey.export({ format: "pem", type: "spki" });
  const jwk = signer.publicKey.export({ format: "jwk" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const ed25519 = generateKeyPairSync("ed25519").privateKey;
  const head = (alg: unknown) => ({ alg, typ: "JWT", kid: signer.keyId });
  const none = ["none", "None", "NONE", "nOnE", "", null, undefined].map((alg) => bearer(`alg ${alg}`, withSignature(head(alg), claims, noSignature)));
  const secrets: readonly (readonly [string, string | Uint8Array])[] = [
    ["the public key as PEM", pem],
    ["the public key as PEM without its last line feed", String(pem).trimEnd()],
    ["the public key as DER", signer.publicKey.export({ format: "der", type: "spki" })],
    ["the public key as JWK", JSON.stringify(jwk)],
    ["the public key's x", Buffer.from(String(jwk.x), "base64url")],
    ["nothing", ""],
    ["a well-known example secret", "super-secret-jwt-token-with-at-least-32-characters-long"],
    ["the publishable key", scope.publishableKey],
    ["the key id", signer.keyId],
  ];
  return [
    ...none,
    bearer("alg none over a good signature", signedToken(signer, claims, { alg: "none" })),
    ...secrets.map(([name, secret]) => bearer(`HS256 with ${name}`, withSignature(head("HS256"), claims, hmac("sha256", secret)))),
    bearer("HS384 with the public key", withSignature(head("HS384"), claims, hmac("sha384", pem))),
    bearer("HS512 with the public key", withSignature(head("HS512"), claims, hmac("sha512", pem))),
    bearer("ES256 named, HMAC made", withSignature(head("ES256"), claims, hmac("sha256", pem))),
    bearer("RS256 with a key of the forger", withSignature(head("RS256"), claims, (input) => sign("sha256", Buffer.from(input), rsa))),
    bearer("PS256 with a key of the forger", withSignature(head("PS256"), claims, (input) => sign("sha256", Buffer.from(input), { key: rsa, padding: 6 }))),
    bearer(
      "ES384 with a key of the forger",
      withSignature(head("ES384"), claims, (input) => sign("sha384", Buffer.from(input), { key: p384, dsaEncoding: "ieee-p1363" })),
    ),
    bearer("EdDSA with a key of the forger", withSignature(head("EdDSA"), claims, (input) => sign(null, Buffer.from(input), ed25519))),
    bearer("ES384 named over a good signature", signedToken(signer, claims, { alg: "ES384" })),
    bearer("algorithm as a list", signedToken(signer, claims, { alg: ["ES256"] })),
  ];
}

/** The header's other members must neither bring a key nor lead to one. */
export function forgedHeaders(scope: ForgeryScope): Forgery[] {
  const claims = goodClaims(scope);
  const thief = createSigner(scope.signer.keyId);
  const stolen = (name: string, header: Claims) => bearer(`${name}, signed by another key`, signedToken(thief, claims, header));
  const jwk = thief.publicKey.export({ format: "jwk" });
  return [
    stolen("right kid", {}),
    stolen("no kid", { kid: undefined }),
    stolen("unknown kid", { kid: "signer-2" }),
    stolen("kid with a path", { kid: "../../../../dev/null" }),
    stolen("kid with SQL", { kid: "' union select 'x' --" }),
    stolen("kid with a URL", { kid: "http://127.0.0.1:9/jwks.json" }),
    stolen("kid that is no text", { kid: ["signer-1"] }),
    stolen("kid __proto__", { kid: "__proto__" }),
    stolen("embedded key", { jwk }),
    stolen("embedded key without kid", { jwk, kid: undefined }),
    stolen("jku", { jku: "http://127.0.0.1:9/jwks.json" }),
    stolen("x5u", { x5u: "http://127.0.0.1:9/x.pem" }),
    stolen("x5c", { x5c: ["MIIB"] }),
    bearer("kid /dev/null and an empty HMAC secret", withSignature({ alg: "HS256", kid: "/dev/null" }, claims, hmac("sha256", ""))),
    bearer("critical extension", signedToken(scope.signer, claims, { crit: ["exp"], exp: 1 })),
    bearer("critical b64", signedToken(scope.signer, claims, { crit: ["b64"], b64: false })),
    bearer("kid of 100 KB", signedToken(scope.signer, claims, { kid: "x".repeat(8_000) })),
  ];
}

export function forgedSignatures(scope: ForgeryScope): Forgery[] {
  const good = signedToken(scope.signer, goodClaims(scope));
  const [header = "", payload = "", signature = ""] = good.split(".");
  const raw = Buffer.from(signature, "base64url");
  const withRaw = (name: string, bytes: Uint8Array) => bearer(name, `${header}.${payload}.${base64(bytes)}`);
  const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const other = base64(JSON.stringify({ ...goodClaims(scope), sub: "00000000-0000-4000-8000-00000000dead" }));
  const flipped = Buffer.from(raw);
  flipped[10] = (flipped[10] ?? 0) ^ 1;
  return [
    withRaw("signature of zeros", Buffer.alloc(64)),
    withRaw("signature r = order, s = order", Buffer.concat([order, order])),
    withRaw("signature r = 1, s = 1", Buffer.concat([Buffer.alloc(31), Buffer.of(1), Buffer.alloc(31), Buffer.of(1)])),
    withRaw("signature one bit off", flipped),
    withRaw("signature cut", raw.subarray(0, 63)),
    withRaw("signature with a tail", Buffer.concat([raw, Buffer.alloc(1)])),
    withRaw("signature empty", new Uint8Array()),
    withRaw("signature of 4 KB", Buffer.alloc(4096, 1)),
    bearer("signature of another payload", `${header}.${other}.${signature}`),
    bearer("payload and signature swapped", `${header}.${signature}.${payload}`),
    bearer("no signature part", `${header}.${payload}`),
    bearer("five parts, as an encrypted token", `${header}.${payload}.${signature}.${payload}.${signature}`),
    bearer("only dots", ".."),
    bearer("payload that is no JSON", withSignature({ alg: "ES256", kid: scope.signer.keyId }, "not json", () => raw)),
    bearer("signed, but no JSON object", signedTokenOf(scope.signer, '"text"')),
    bearer("signed null", signedTokenOf(scope.signer, "null")),
    bearer("signed, claims twice, the last one foreign", signedTokenOf(scope.signer, `${JSON.stringify(goodClaims(scope)).slice(0, -1)},"role":"anon"}`)),
    bearer("a token in a token", signedToken(scope.signer, { jwt: good })),
  ];
}

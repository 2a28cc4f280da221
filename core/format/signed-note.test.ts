import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  cosignatureLine,
  cosignedAt,
  formatVerifierKey,
  makeSigningKey,
  noteKeyId,
  parseNote,
  parseSigningKey,
  parseVerifierKey,
  signatureTypes,
  signNote,
  verifyNote,
} from "./signed-note.ts";

const vector = JSON.parse(readFileSync(new URL("../../test/vectors/signed-note.json", import.meta.url), "utf8"));
const published = `${vector.text}\n${vector.signature_line}\n`;
const seed = (byte: number) => new Uint8Array(32).fill(byte);
const signerNamed = async (name: string, byte: number) => parseSigningKey((await makeSigningKey(name, seed(byte))).signingKey);
const text = "log.example/audit\n3\nAAAA\n";

describe("verifyNote()", () => {
  it("accepts the published note under the published key", async () => {
    expect(await verifyNote(parseNote(published), await parseVerifierKey(vector.vkey))).toBe(true);
  });

  it("refuses the published note with one letter changed", async () => {
    expect(await verifyNote(parseNote(published.replace("answer", "Answer")), await parseVerifierKey(vector.vkey))).toBe(false);
  });

  it("accepts what signNote() made, as does an implementation that is not ours", async () => {
    const signer = await signerNamed("log.example", 1);
    const note = parseNote(await signNote(text, [signer]));
    expect(await verifyNote(note, signer)).toBe(true);
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), signer.publicKey]);
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    expect(verify(null, Buffer.from(text), key, note.signatures[0]?.signature ?? Buffer.alloc(0))).toBe(true);
  });

  it("passes over signatures of keys it was not asked about", async () => {
    const [mine, other] = [await signerNamed("log.example", 1), await signerNamed("witness.example", 2)];
    const note = parseNote(await signNote(text, [other, mine]));
    expect(await verifyNote(note, mine)).toBe(true);
    expect(await verifyNote(note, await signerNamed("log.example", 3))).toBe(false);
  });

  it("refuses a wrong signature under the right name and id even beside a right one", async () => {
    const signer = await signerNamed("log.example", 1);
    const good = await signNote(text, [signer]);
    const wrong = (await signNote("other\n", [signer])).split("\n").at(-2);
    expect(await verifyNote(parseNote(`${good}${wrong}\n`), signer)).toBe(false);
  });
});

describe("cosignedAt()", () => {
  it("is the time that was signed", async () => {
    const signer = await signerNamed("log.example", 1);
    const note = parseNote((await signNote(text, [signer])) + (await cosignatureLine(text, signer, 1_795_000_000)));
    expect(await cosignedAt(note, signer)).toBe(1_795_000_000);
    expect(await verifyNote(note, signer)).toBe(true);
  });

  it("is undefined without a cosignature", async () => {
    const signer = await signerNamed("log.example", 1);
    expect(await cosignedAt(parseNote(await signNote(text, [signer])), signer)).toBeUndefined();
  });

  it("refuses another time put over the same signature", async () => {
    const signer = await signerNamed("log.example", 1);
    const note = parseNote((await signNote(text, [signer])) + (await cosignatureLine(text, signer, 1_795_000_000)));
    const earlier = { ...note, signatures: note.signatures.map((line) => ({ ...line, signature: line.signature.with(7, 0) })) };
    await expect(cosignedAt(earlier, signer)).rejects.toThrow("cosignature");
  });

  it("has a key id of its own, so that the two kinds cannot be mistaken", async () => {
    const signer = await signerNamed("log.example", 1);
    expect(await noteKeyId(signer)).not.toEqual(await noteKeyId(signer, signatureTypes.cosignature));
  });
});

describe("parseVerifierKey()", () => {
  it("reads back what formatVerifierKey() writes", async () => {
    expect(await formatVerifierKey(await parseVerifierKey(vector.vkey))).toBe(vector.vkey);
  });

  it.each([
    ["PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "id"],
    ["Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "form"],
    ["PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "form"],
    ["PeterNeumann+c74f20a3", "form"],
    ["", "form"],
  ])("refuses %s: its %s", async (key, fault) => {
    await expect(parseVerifierKey(key)).rejects.toThrow(fault);
  });
});

describe("parseSigningKey()", () => {
  it("reads what makeSigningKey() made, and the two halves fit", async () => {
    const made = await makeSigningKey("log.example/a", seed(9));
    expect(await formatVerifierKey(await parseSigningKey(made.signingKey))).toBe(made.verifierKey);
  });

  it("never repeats the key in its fault", async () => {
    const { signingKey } = await makeSigningKey("log.example", seed(9));
    const spoiled = signingKey.replace("log.example", "log.examples");
    await expect(parseSigningKey(spoiled)).rejects.toThrow(/^parse signing key: id: does not fit the key$/);
    await expect(parseSigningKey("secret")).rejects.toThrow(/^parse signing key: prefix: is not PRIVATE\+KEY\+$/);
  });
});

describe("parseNote()", () => {
  it("splits at the last empty line, so that the text may have some", async () => {
    const signer = await signerNamed("log.example", 1);
    const withBlank = "a\n\nb\n";
    const note = parseNote(await signNote(withBlank, [signer]));
    expect(note.text).toBe(withBlank);
    expect(await verifyNote(note, signer)).toBe(true);
  });

  it.each([
    ["no signatures", "text\n"],
    ["no newline at the end", published.slice(0, -1)],
    ["a carriage return", published.replace("\n", "\r\n")],
    ["a signature line with a hyphen for the dash", published.replace("—", "-")],
    ["a signature that is not Base 64", published.replace("x08go", "x08g!")],
    ["Base 64 with stray bits", published.replace("wJnAM=", "wJnAN=")],
    ["65 signatures", `text\n\n${`${vector.signature_line}\n`.repeat(65)}`],
  ])("refuses %s", (_, note) => {
    expect(() => parseNote(note)).toThrow("parse note");
  });
});

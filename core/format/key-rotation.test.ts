import { describe, expect, it } from "vitest";
import { openKeyRotation, signKeyRotation } from "./key-rotation.ts";
import { makeSigningKey, type NoteSigner, parseSigningKey, signNote } from "./signed-note.ts";

const signerOf = async (byte: number): Promise<NoteSigner> => parseSigningKey((await makeSigningKey("log.example", new Uint8Array(32).fill(byte))).signingKey);
const [first, second, third] = [await signerOf(1), await signerOf(2), await signerOf(3)];
const retiredAt = new Date("2026-11-22T03:00:00Z");
const statement = await signKeyRotation("log.example", first, second, retiredAt);

describe("openKeyRotation()", () => {
  it("is what both keys signed", async () => {
    const rotation = await openKeyRotation(statement);
    expect(rotation).toMatchObject({ logOrigin: "log.example", retiredAt });
    expect(rotation.retired.publicKey).toEqual(first.publicKey);
    expect(rotation.successor.publicKey).toEqual(second.publicKey);
  });

  const text = statement.slice(0, statement.indexOf("\n\n") + 1);

  it.each([
    ["signed by the old key alone", [first]],
    ["signed by the new key alone", [second]],
    ["signed by the old key and a third", [first, third]],
  ])("refuses a statement %s", async (_, signers) => {
    await expect(openKeyRotation(await signNote(text, signers))).rejects.toThrow("both keys");
  });

  it("refuses another time, another header and a key that succeeds itself", async () => {
    await expect(openKeyRotation(statement.replace(/\n17\d+\n/, "\n1800000000\n"))).rejects.toThrow("both keys");
    await expect(openKeyRotation(await signNote(text.replace("v1", "v2"), [first, second]))).rejects.toThrow("text");
    await expect(openKeyRotation(await signKeyRotation("log.example", first, first, retiredAt))).rejects.toThrow("both keys");
  });
});

import { describe, expect, it } from "vitest";
import { originOf, signCheckpoint } from "../core/format/checkpoint.ts";
import { signKeyRotation } from "../core/format/key-rotation.ts";
import { firstKey, logOrigin, secondKey } from "../test/support/sealed-log.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { followRotations } from "./keys.ts";

const checkpoint = { origin: originOf(logOrigin, "123e4567-e89b-12d3-a456-426614174000"), size: 3, root: new Uint8Array(32).fill(7) };
const retiredAt = new Date("2026-11-22T10:00:00Z");
const before = new Date("2026-11-22T09:00:00Z");
const ring = await followRotations([secondKey.verifierKey], [await signKeyRotation(logOrigin, firstKey.signer, secondKey.signer, retiredAt)]);
const linesOf = async (key: typeof firstKey, size = 3) => (await signCheckpoint({ ...checkpoint, size }, key.signer, before)).split("\n\n")[1] ?? "";

describe("openCheckpoint()", () => {
  it("opens what two trusted keys signed, and what a stranger signed beside one", async () => {
    const note = await signCheckpoint(checkpoint, secondKey.signer, before);
    expect(await openCheckpoint(note + await linesOf(firstKey), ring)).toMatchObject({ size: 3, signedAt: before });
    const strangers = (await linesOf(firstKey, 4)).replaceAll(logOrigin, "witness.example");
    expect(await openCheckpoint(note + strangers, ring)).toMatchObject({ size: 3, key: secondKey.verifierKey });
  });

  it("refuses a note with a false line under the name and id of a trusted key, whoever else signed it", async () => {
    for (const [right, wrong] of [[firstKey, secondKey], [secondKey, firstKey]] as const) {
      const note = await signCheckpoint(checkpoint, right.signer, before);
      await expect(openCheckpoint(note + await linesOf(wrong, 4), ring)).rejects.toThrow("is false under a trusted key's name");
    }
  });

  it("refuses text that no UTF-8 can hold", async () => {
    const note = await signCheckpoint({ ...checkpoint, origin: "log.example/\ufffd" }, secondKey.signer, before);
    expect(await openCheckpoint(note, ring)).toMatchObject({ origin: "log.example/\ufffd" });
    await expect(openCheckpoint(note.replace("\ufffd", "\ud800"), ring)).rejects.toThrow("is not a signed note");
  });
});

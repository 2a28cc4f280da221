import { describe, expect, it } from "vitest";
import { memoryTiles } from "../test/support/memory-tiles.ts";
import { sha256 } from "../test/support/sha256.ts";
import { verifyNewest } from "./compliance.ts";
import { originOf, signCheckpoint } from "./format/checkpoint.ts";
import { makeSigningKey, parseSigningKey } from "./format/signed-note.ts";
import { type ReadTiles, rootFromTiles } from "./format/tiles.ts";
import type { ProofStore } from "./proofs.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const logOrigin = "log.example/audit";
const signedAt = "2026-11-22T02:37:18.000Z";
const { signingKey, verifierKey } = await makeSigningKey(logOrigin, new Uint8Array(32).fill(1));
const leaves = Array.from({ length: 300 }, (_, index) => sha256(Uint8Array.of(index % 256)));
const tree = memoryTiles(leaves);
const checkpoint = { origin: originOf(logOrigin, tenantId), size: leaves.length, root: await rootFromTiles(sha256, tree.read, leaves.length) };
const note = await signCheckpoint(checkpoint, await parseSigningKey(signingKey), new Date(signedAt));

/** A log of one checkpoint, whose tiles are read by `tiles`. */
function storeOf(tiles: ReadTiles, signed = note): Pick<ProofStore, "checkpoint" | "keys" | "tiles"> {
  return {
    checkpoint: () => Promise.resolve({ size: leaves.length, signedAt, verifierKey, note: signed }),
    keys: () => Promise.resolve([{ verifierKey, logOrigin, since: signedAt, retiredAt: undefined }]),
    tiles: (_, wanted) => tiles(wanted),
  };
}

describe("verifyNewest()", () => {
  it("verifies a checkpoint whose root the tiles have", async () => {
    expect(await verifyNewest(storeOf(tree.read), sha256, tenantId)).toMatchObject({ outcome: "verified", checkpoint: { size: 300 } });
  });

  it("says tampered of a note that its key has not signed, and of tiles that are missing or other ones", async () => {
    const forged = storeOf(tree.read, note.replace("\n300\n", "\n299\n"));
    expect(await verifyNewest(forged, sha256, tenantId)).toMatchObject({ outcome: "tampered", message: expect.stringContaining("signed") });
    expect(await verifyNewest(storeOf(async () => []), sha256, tenantId)).toMatchObject({ outcome: "tampered", message: expect.stringContaining("missing") });
    const other = memoryTiles(leaves.with(0, sha256(Uint8Array.of(77))));
    expect(await verifyNewest(storeOf(other.read), sha256, tenantId)).toMatchObject({ outcome: "tampered", message: expect.stringContaining("root") });
  });

  it("says nothing of the log when the tiles could not be read", async () => {
    const slow = storeOf(() => Promise.reject(new Error("read events: out of time")));
    await expect(verifyNewest(slow, sha256, tenantId)).rejects.toThrow("out of time");
  });
});

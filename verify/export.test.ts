import { describe, expect, it } from "vitest";
import { originOf, signCheckpoint } from "../core/format/checkpoint.ts";
import { treeRoot } from "../core/format/merkle.ts";
import { inclusionProof } from "../core/format/merkle-proof.ts";
import { eventRow, randomEvents, randomFrom } from "../test/support/random-events.ts";
import { firstKey, logOrigin } from "../test/support/sealed-log.ts";
import { sha256 } from "../test/support/sha256.ts";
import { verifyExport } from "./export.ts";
import { followRotations } from "./keys.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const events = randomEvents(randomFrom(7), 120, { tenantIds: [tenantId], receivedAt: new Date("2026-11-22T10:00:00Z") });
const leaves = events.map((event) => Uint8Array.from(Buffer.from(eventRow(event).leafHash, "hex")));
const ring = await followRotations([firstKey.verifierKey], []);
const checkpoint = (size: number) =>
  signCheckpoint({ origin: originOf(logOrigin, tenantId), size, root: treeRoot(sha256, leaves.slice(0, size)) }, firstKey.signer, new Date());

/** Every tenth event of the first `size`, each with its path to the root of as many. */
async function* selection(size: number) {
  for (let index = 0; index < size; index += 10) {
    const proof = inclusionProof(sha256, leaves.slice(0, size), index).map((node) => Buffer.from(node).toString("base64"));
    yield await Promise.resolve({ ...events[index], log_index: index, leaf_hash: Buffer.from(leaves[index] as Uint8Array).toString("hex"), proof });
  }
}

describe("verifyExport()", () => {
  it("is not misled by a checkpoint kept elsewhere that is newer than the export", async () => {
    const own = [await checkpoint(50), await checkpoint(100)];
    expect(await verifyExport(selection(100), own, { ring, expected: [await checkpoint(120)] })).toMatchObject({ sound: true, events: 10, unproven: 0 });
    expect(await verifyExport(selection(100), [], { ring, expected: own })).toMatchObject({ sound: true });
    expect(await verifyExport(selection(100), [await checkpoint(99)], { ring, expected: own })).toMatchObject({ sound: false });
  });

  it("takes room for the events that are there, not for the largest index that one names", async () => {
    async function* lines() {
      for (const [place, index] of [2 ** 40, 0, 2 ** 45, 2 ** 40].entries()) yield await Promise.resolve({ ...events[place], log_index: index });
    }
    const report = await verifyExport(lines(), [await checkpoint(100)], { ring });
    expect(report).toMatchObject({ sound: false, events: 4, unproven: 4, tenants: [{ size: 3 }] });
    expect(report.findings).toMatchObject([{ index: 2 ** 40, message: "another event has the same index" }]);
  });
});

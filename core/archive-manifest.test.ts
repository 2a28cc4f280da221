import { describe, expect, it } from "vitest";
import { firstKey, logOrigin, secondKey } from "../test/support/sealed-log.ts";
import { type ArchiveManifest, openManifest, signManifest } from "./archive-manifest.ts";
import { originOf, signCheckpoint } from "./format/checkpoint.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const other = "223e4567-e89b-12d3-a456-426614174000";
const day = "2026-03-01";
const at = new Date("2026-06-01T00:00:00Z");

async function manifestOf(overrides: Partial<ArchiveManifest> = {}): Promise<ArchiveManifest> {
  const checkpoint = await signCheckpoint({ origin: originOf(logOrigin, tenantId), size: 100, root: new Uint8Array(32) }, firstKey.signer, at);
  const file = {
    key: `tenant_id=${tenantId}/date=${day}/00000-00.parquet`,
    sha256: "00".repeat(32),
    bytes: 10,
    rows: 7,
    first_occurred_at: `${day}T00:00:00.000Z`,
    last_occurred_at: `${day}T01:00:00.000Z`,
    first_log_index: 3,
    last_log_index: 99,
  };
  const sums = { created_at: at.toISOString(), rows: 7, bytes: 10, first_log_index: 3, last_log_index: 99 };
  return { v: 1, tenant_id: tenantId, date: day, ...sums, checkpoint, files: [file], ...overrides };
}

const expected = { logOrigin, tenantId, day, verifiers: [firstKey.signer] };

describe("openManifest()", () => {
  it("gives back what signManifest() signed, when, and the checkpoint", async () => {
    const manifest = await manifestOf();
    const opened = await openManifest(await signManifest(manifest, logOrigin, firstKey.signer, at), expected);
    expect(opened).toMatchObject({ manifest, signedAt: at, checkpoint: { size: 100 } });
  });

  it.each([
    ["another key", {}, { verifiers: [secondKey.signer] }, "signature"],
    ["another tenant", {}, { tenantId: other }, "origin"],
    ["another log", {}, { logOrigin: "log.example/other" }, "origin"],
    ["another day", {}, { day: "2026-03-02" }, "tenant or date"],
    ["a file of another folder", { key: `tenant_id=${other}/date=${day}/00000-00.parquet` }, {}, "files: lie elsewhere"],
    ["a file above its folder", { key: `tenant_id=${tenantId}/date=${day}/../x.parquet` }, {}, "files: lie elsewhere"],
    ["rows that do not add up", { rows: 8 }, {}, "rows"],
  ])("refuses %s", async (_, file, change, message) => {
    const whole = await manifestOf();
    const manifest = { ...whole, files: whole.files.map((it) => ({ ...it, ...file })) };
    const bytes = await signManifest(manifest, logOrigin, firstKey.signer, at);
    await expect(openManifest(bytes, { ...expected, ...change })).rejects.toThrow(message);
  });

  it("refuses a checkpoint that is too small for its events, or by a stranger", async () => {
    const small = await signManifest(await manifestOf({ last_log_index: 100 }), logOrigin, firstKey.signer, at);
    await expect(openManifest(small, expected)).rejects.toThrow("checkpoint");
    const checkpoint = await signCheckpoint({ origin: originOf(logOrigin, tenantId), size: 100, root: new Uint8Array(32) }, secondKey.signer, at);
    const stranger = await signManifest(await manifestOf({ checkpoint }), logOrigin, firstKey.signer, at);
    await expect(openManifest(stranger, expected)).rejects.toThrow("checkpoint");
  });

  it("refuses every changed byte of its text", async () => {
    const bytes = await signManifest(await manifestOf(), logOrigin, firstKey.signer, at);
    const signatures = new TextDecoder().decode(bytes).indexOf("\n\n");
    for (let place = 0; place < signatures; place += 7) {
      const changed = bytes.slice();
      changed[place] = (changed[place] as number) ^ 1;
      await expect(openManifest(changed, expected)).rejects.toThrow("open manifest");
    }
    await expect(openManifest(bytes.slice(0, signatures), expected)).rejects.toThrow("note");
    await expect(openManifest(new Uint8Array(0), expected)).rejects.toThrow("note");
  });
});

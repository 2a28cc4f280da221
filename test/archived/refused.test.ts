import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFolderStore } from "../../adapters/storage/folder-store.ts";
import { openArchiveFile } from "../../core/archive-file.ts";
import { writeArchiveFile } from "../../core/archive-file-writer.ts";
import { openManifest, signManifest } from "../../core/archive-manifest.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import { tenantA, tenantB, tokenOf } from "../api/service.ts";
import { eventsOf } from "../archive/archived-log.ts";
import { firstKey, logOrigin, secondKey } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";
import type { ArchivedService } from "./archived-service.ts";
import { startArchived } from "./archived-service.ts";
import { claims, day, readerOn, wholeDay } from "./reading.ts";

type Row = { readonly manifest_key: string; readonly manifest_sha256: Buffer };

/** What must never be believed; each is tried on a reader that has kept nothing, and read well again when it is undone. */
describe("an archive that is not what it must be", () => {
  let archived: ArchivedService;
  let own: Row;
  let foreign: Row;
  let store: ArchiveStore;

  beforeAll(async () => {
    archived = await startArchived();
    await archived.ingest([...eventsOf(day, 120, 1, [tenantA]), ...eventsOf(day, 120, 2, [tenantB]), ...eventsOf("2026-03-02", 120, 3, [tenantA])]);
    await archived.archive();
    const rowOf = async (tenantId: string, of: string) =>
      (await archived.log.admin.query("select manifest_key, manifest_sha256 from audit_log.archives where tenant_id = $1 and day = $2", [tenantId, of]))
        .rows[0];
    own = await rowOf(tenantA, day);
    foreign = await rowOf(tenantB, day);
    store = createFolderStore(archived.folder);
  });
  afterAll(() => archived?.stop());

  const read = (from: ArchiveStore = store) => readerOn(archived.log, from).page(claims, { filter: wholeDay, order: "desc", limit: 1000 });
  const nameManifest = (key: string, hash: Uint8Array) =>
    archived.log.admin.query("update audit_log.archives set manifest_key = $3, manifest_sha256 = $4 where tenant_id = $1 and day = $2", [
      tenantA,
      day,
      key,
      hash,
    ]);
  const restore = () => nameManifest(own.manifest_key, own.manifest_sha256);
  /** The store as it is, but for one object. */
  const with_ = (key: string, bytes: Uint8Array | undefined): ArchiveStore => ({
    ...store,
    get: (asked) => asked === key ? Promise.resolve(bytes) : store.get(asked),
    getRange: (asked, start, end) => asked === key ? Promise.resolve(bytes?.slice(start, end)) : store.getRange(asked, start, end),
  });
  const expected = { logOrigin, tenantId: tenantA, day, verifiers: [firstKey.signer] };
  const manifestOf = async () => (await openManifest(await store.get(own.manifest_key) ?? new Uint8Array(), expected)).manifest;

  it("is read while nothing is wrong with it", async () => {
    expect((await read()).events).toHaveLength(120);
  });

  it("is refused when the catalogue names another tenant's manifest", async () => {
    await nameManifest(foreign.manifest_key, foreign.manifest_sha256);
    await expect(read()).rejects.toMatchObject({ code: "archive_fault" });
    const { status, json, text } = await archived.service.ask(`/events?from=${day}&to=${day}`, { as: await tokenOf("admin") });
    expect([status, (json as { readonly code: string }).code]).toEqual([500, "archive_fault"]);
    expect(text).not.toContain(tenantB);
    await restore();
    expect((await read()).events).toHaveLength(120);
  });

  it("is told by every route that reads it, as the OpenAPI document says", async () => {
    const [one] = (await read()).events;
    const event = `/events/${one?.event.id}`;
    const { json: document } = await archived.service.ask("//openapi.json");
    const { paths } = document as { readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>> };
    const admin = await tokenOf("admin");
    await nameManifest(foreign.manifest_key, foreign.manifest_sha256);
    for (const path of ["/events", "/events/export", "/stats", "/producers", "/reports/compliance", event, `${event}/receipt`, `DELETE ${event}`]) {
      const method = path.startsWith("DELETE ") ? "DELETE" : "GET";
      const asked = path.replace("DELETE ", "");
      const window = asked.startsWith(event) ? `at=${one?.event.occurred_at}` : `from=${day}&to=${day}`;
      const body = method === "DELETE" ? { body: { reason: "test" } } : {};
      const { status, json } = await archived.service.ask(`${asked}?${window}`, { as: admin, method, ...body });
      expect([status, (json as { readonly code: string }).code], path).toEqual([500, "archive_fault"]);
      expect(Object.keys(paths[`/api/v1/audit${asked.replace(one?.event.id ?? "", "{id}")}`]?.[method.toLowerCase()]?.responses ?? {}), path).toContain("500");
    }
    await restore();
  });

  it("is refused when the manifest is of another day", async () => {
    const { rows } = await archived.log.admin.query(
      "select manifest_key, manifest_sha256 from audit_log.archives where tenant_id = $1 and day = '2026-03-02'",
      [tenantA],
    );
    await nameManifest(rows[0].manifest_key, rows[0].manifest_sha256);
    await expect(read()).rejects.toMatchObject({ code: "archive_fault" });
    await restore();
  });

  it("is refused at every changed byte of its manifest", async () => {
    const bytes = await store.get(own.manifest_key) ?? new Uint8Array();
    for (let place = 0; place < bytes.length; place += 97) {
      const changed = bytes.slice();
      changed[place] = (changed[place] ?? 0) ^ 1;
      await expect(read(with_(own.manifest_key, changed))).rejects.toMatchObject({ code: "archive_fault" });
    }
  });

  it("is refused when a stranger signed the manifest, though the catalogue names it", async () => {
    const forged = await signManifest(await manifestOf(), logOrigin, secondKey.signer, new Date());
    await nameManifest(own.manifest_key, sha256(forged));
    await expect(read(with_(own.manifest_key, forged))).rejects.toMatchObject({ code: "archive_fault" });
    const signed = await signManifest(await manifestOf(), logOrigin, firstKey.signer, new Date());
    await nameManifest(own.manifest_key, sha256(signed));
    expect((await read(with_(own.manifest_key, signed))).events).toHaveLength(120);
    await restore();
  });

  it("is refused when an older manifest of the same day lies where the catalogue's did, or is the one that it names", async () => {
    const manifest = await manifestOf();
    const hour = new Date(Date.parse(manifest.created_at) - 3_600_000);
    // Whole and signed, as an interrupted worker leaves one: nothing but the catalogue's hash tells which of the two counts.
    const older = await signManifest({ ...manifest, created_at: hour.toISOString() }, logOrigin, firstKey.signer, hour);
    await expect(openManifest(older, expected)).resolves.toMatchObject({ signedAt: new Date(Math.floor(hour.getTime() / 1000) * 1000) });
    await expect(read(with_(own.manifest_key, older))).rejects.toMatchObject({ code: "archive_fault" });
    await nameManifest("manifest-older.note", own.manifest_sha256);
    await expect(read(with_("manifest-older.note", older))).rejects.toMatchObject({ code: "archive_fault" });
    await restore();
    expect((await read()).events).toHaveLength(120);
  });

  it("is refused when a file was changed, cut, exchanged or written anew", async () => {
    const { files } = await manifestOf();
    const key = files[0]?.key ?? "";
    const bytes = new Uint8Array(await store.get(key) ?? new Uint8Array());
    const flipped = bytes.slice();
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    const other = (await store.list(`tenant_id=${tenantB}/date=${day}/`)).find((name) => name.endsWith(".parquet")) ?? "";
    const file = await openArchiveFile(bytes);
    const rows = (await Promise.all(file.groups.map((group) => file.readGroup(group)))).flat();
    const without = await writeArchiveFile(file.name, rows.slice(1));
    for (const forged of [flipped, bytes.slice(0, -10), await store.get(other), without]) {
      await expect(read(with_(key, forged))).rejects.toMatchObject({ code: "archive_fault" });
    }
  });

  it("is refused when a row of a file that is read in parts is no longer what was hashed", async () => {
    const manifest = await manifestOf();
    const [listed] = manifest.files;
    const file = await openArchiveFile(new Uint8Array(await store.get(listed?.key ?? "") ?? new Uint8Array()));
    const rows = (await Promise.all(file.groups.map((group) => file.readGroup(group)))).flat();
    const forge = async (change: (row: typeof rows[number], index: number) => typeof rows[number]) => {
      const forged = await writeArchiveFile(file.name, rows.map(change));
      // As large as a file that is read in parts, in which no hash of the whole file can be checked.
      const padded = { ...listed, bytes: forged.length, sha256: Buffer.from(sha256(forged)).toString("hex") } as NonNullable<typeof listed>;
      const signed = await signManifest({ ...manifest, files: [padded] }, logOrigin, firstKey.signer, new Date());
      await nameManifest(own.manifest_key, sha256(signed));
      const both = with_(own.manifest_key, signed);
      return read({
        ...both,
        get: (key) => key === listed?.key ? Promise.resolve(forged) : both.get(key),
        getRange: (_, start, end) => Promise.resolve(forged.slice(start, end)),
      });
    };
    await expect(forge((row, index) => index === 5 ? { ...row, event: { ...row.event, message: "forged" } } : row)).rejects.toMatchObject({
      code: "archive_fault",
    });
    await expect(forge((row, index) => index === 5 ? { ...row, event: { ...row.event, tenant_id: tenantB } } : row)).rejects.toMatchObject({
      code: "archive_fault",
    });
    await expect(forge((row, index) => index === 5 ? { ...row, leaf: row.leaf.replace("{", "{ ") } : row)).rejects.toMatchObject({ code: "archive_fault" });
    await expect(forge((row, index) => rows[index === 5 ? 6 : index === 6 ? 5 : index] ?? row)).rejects.toMatchObject({ code: "archive_fault" });
    expect((await forge((row) => row)).events).toHaveLength(120);
    await restore();
  });

  it("is unavailable, not empty, when an object is missing", async () => {
    const { files } = await manifestOf();
    await expect(read(with_(own.manifest_key, undefined))).rejects.toMatchObject({ code: "unavailable" });
    await expect(read(with_(files[0]?.key ?? "", undefined))).rejects.toMatchObject({ code: "unavailable" });
    await rm(join(archived.folder, ...own.manifest_key.split("/")));
    await writeFile(join(archived.folder, ...own.manifest_key.split("/")), "nothing");
    await expect(read(createFolderStore(archived.folder))).rejects.toMatchObject({ code: "archive_fault" });
  });
});

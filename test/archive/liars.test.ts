import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archive } from "../../core/archive.ts";
import { AuditError } from "../../core/errors.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { archiveAll, archiverOf, bounds, eventsOf, oldDay } from "./archived-log.ts";
import { everything } from "./everything.ts";

/** A store in memory; `lie` may change what a call does, until it is taken away. */
function lyingStore() {
  const objects = new Map<string, Uint8Array>();
  const store: ArchiveStore & { objects: typeof objects; lie: Partial<Lies> } = {
    objects,
    lie: {},
    put: async (key, bytes) => {
      await store.lie.beforePut?.(key);
      if (objects.has(key)) return "exists";
      const stored = store.lie.stores?.(key, bytes) ?? bytes;
      objects.set(key, stored.slice());
      await store.lie.afterPut?.(key);
      return "stored";
    },
    get: (key) => Promise.resolve(store.lie.gives === undefined ? objects.get(key)?.slice() : store.lie.gives(key, objects.get(key)?.slice())),
    getRange: (key, start, end) => Promise.resolve(objects.get(key)?.slice(start, end)),
    size: (key) => Promise.resolve(objects.get(key)?.length),
    list: (prefix) => Promise.resolve([...objects.keys()].filter((key) => key.startsWith(prefix)).sort()),
    remove: (key) => Promise.resolve(void objects.delete(key)),
  };
  return store;
}

type Lies = {
  beforePut: (key: string) => Promise<void>;
  stores: (key: string, bytes: Uint8Array) => Uint8Array;
  afterPut: (key: string) => Promise<void>;
  gives: (key: string, bytes: Uint8Array | undefined) => Uint8Array | undefined;
};

const flipped = (bytes: Uint8Array) => bytes.with(Math.floor(bytes.length / 2), (bytes[Math.floor(bytes.length / 2)] as number) ^ 1);
const away = () => new AuditError("unavailable", "write object: the store is away", { retryAfterSeconds: 1 });
const isFile = (key: string) => key.endsWith(".parquet");
const isManifest = (key: string) => key.endsWith(".note");

const lies: readonly (readonly [string, Partial<Lies>])[] = [
  ["stores half of a file and answers success", { stores: (key, bytes) => isFile(key) ? bytes.slice(0, bytes.length / 2) : bytes }],
  ["stores half of a manifest and answers success", { stores: (key, bytes) => isManifest(key) ? bytes.slice(0, bytes.length / 2) : bytes }],
  ["stores half of a file and breaks off", {
    stores: (key, bytes) => isFile(key) ? bytes.slice(0, bytes.length / 2) : bytes,
    afterPut: () => Promise.reject(away()),
  }],
  ["stores a file with a bit flipped", { stores: (key, bytes) => isFile(key) ? flipped(bytes) : bytes }],
  ["stores a manifest with a bit flipped", { stores: (key, bytes) => isManifest(key) ? flipped(bytes) : bytes }],
  ["stores nothing and answers success", { stores: () => new Uint8Array(0) }],
  ["gives back a file from before its upload", { gives: (key, bytes) => isFile(key) ? undefined : bytes }],
  ["gives back a manifest from before its upload", { gives: (key, bytes) => isManifest(key) ? undefined : bytes }],
  ["gives back another file", { gives: (key, bytes) => isFile(key) ? new TextEncoder().encode("PAR1 another PAR1") : bytes }],
  ["takes nothing", { beforePut: () => Promise.reject(away()) }],
];

describe("archive(), on a store that lies", () => {
  let log: TestLog;
  let store: ReturnType<typeof lyingStore>;
  let all: string[];
  const state = async () => (await log.admin.query("select state from audit_log.archive_days")).rows.map((row) => row.state);
  beforeEach(async () => {
    log = await openLog();
    store = lyingStore();
    await log.ingest(eventsOf(oldDay, 60));
    await log.seal();
    all = await everything(log, store);
  });
  afterEach(() => log.close());

  it.each(lies)("drops nothing when it %s, and goes on when it tells the truth", async (_, lie) => {
    store.lie = lie;
    const dependencies = archiverOf(log, "", { archive: store });
    let failed = 0;
    for (let turn = 0; turn < 200 && failed < 12; turn++) {
      failed += (await archive(dependencies, { ...bounds, budgetMs: 30 })).failed;
      expect(await everything(log, store)).toEqual(all);
      expect(await state()).not.toEqual(["dropped"]);
    }
    expect(failed).toBeGreaterThanOrEqual(12);
    store.lie = {};
    await archiveAll(dependencies);
    expect(await state()).toEqual(["dropped"]);
    expect(await everything(log, store)).toEqual(all);
    // Whoever reads every Parquet file of the folder must find no broken one.
    const { rows } = await log.admin.query("select key from audit_log.archive_files");
    expect((await store.list("")).filter(isFile)).toEqual(rows.map((row) => row.key).sort());
  });

  it("waits for an old copy to heal, and writes no second object", async () => {
    let reads = 0;
    store.lie = { gives: (_, bytes) => ++reads <= 2 ? undefined : bytes };
    await archiveAll(archiverOf(log, "", { archive: store }));
    expect(await state()).toEqual(["dropped"]);
    expect((await log.admin.query("select max(generation) as most from audit_log.archive_files")).rows[0].most).toBe(0);
  });

  it("takes an object that was there before for its own only if it is", async () => {
    const honest = lyingStore();
    await archiveAll(archiverOf(log, "", { archive: honest, books: { ...archiverOf(log, "").books, readyDays: () => Promise.resolve([]) } }));
    const [theirs = ""] = [...honest.objects.keys()].filter(isFile);
    await log.admin.query(
      "update audit_log.archive_files set state = 'planned'; update audit_log.archives set state = 'open', manifest_key = null",
    );
    store.objects.set(theirs, new TextEncoder().encode("somebody else's"));
    await archiveAll(archiverOf(log, "", { archive: store }));
    expect(await state()).toEqual(["dropped"]);
    expect(await everything(log, store)).toEqual(all);
    expect((await log.admin.query("select max(generation) as most from audit_log.archive_files")).rows[0].most).toBe(1);
  });

  it("lets another worker take over from one that sleeps in an upload, and takes nothing from the sleeper afterwards", async () => {
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => wake = resolve);
    let puts = 0;
    store.lie = { beforePut: () => ++puts === 1 ? asleep : Promise.resolve() };
    const dependencies = archiverOf(log, "", { archive: store });
    const sleeper = archive(dependencies, { ...bounds, leaseSeconds: 0 });
    while (puts === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await archiveAll(dependencies, { leaseSeconds: 60 });
    expect(await state()).toEqual(["dropped"]);
    wake();
    expect(await sleeper).toMatchObject({ written: 0, failed: 0, dropped: [] });
    expect(await everything(log, store)).toEqual(all);
  });
});

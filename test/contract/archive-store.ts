import { expect, it } from "vitest";
import type { ArchiveStore } from "../../core/ports.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What every ArchiveStore promises, whichever it is; `open` gives an empty store. */
export function archiveStoreContract(open: () => Promise<ArchiveStore>): void {
  it("gives back what was put, whole and in part", async () => {
    const store = await open();
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => index & 255);
    expect(await store.put("tenant_id=a/date=2026-01-01/part-0.parquet", all)).toBe("stored");
    expect(await store.get("tenant_id=a/date=2026-01-01/part-0.parquet")).toEqual(all);
    expect(await store.getRange("tenant_id=a/date=2026-01-01/part-0.parquet", 69_990, 70_000)).toEqual(all.subarray(69_990));
    expect(await store.getRange("tenant_id=a/date=2026-01-01/part-0.parquet", 0, 1)).toEqual(all.subarray(0, 1));
    expect(await store.size("tenant_id=a/date=2026-01-01/part-0.parquet")).toBe(70_000);
  });

  it("never overwrites: a second put says so and leaves the first", async () => {
    const store = await open();
    await store.put("a/b", bytes("first"));
    expect(await store.put("a/b", bytes("second"))).toBe("exists");
    expect(await store.get("a/b")).toEqual(bytes("first"));
  });

  it("lets exactly one of twenty writers of one key win", async () => {
    const store = await open();
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => store.put("race", bytes(`writer ${index}`))));
    expect(outcomes.filter((outcome) => outcome === "stored")).toHaveLength(1);
    expect(await store.get("race")).toEqual(bytes(`writer ${outcomes.indexOf("stored")}`));
  });

  it("keeps an empty object apart from none", async () => {
    const store = await open();
    await store.put("empty", new Uint8Array(0));
    expect(await store.get("empty")).toEqual(new Uint8Array(0));
    expect(await store.size("empty")).toBe(0);
    expect(await store.get("none")).toBeUndefined();
    expect(await store.size("none")).toBeUndefined();
    expect(await store.getRange("none", 0, 1)).toBeUndefined();
  });

  it("answers a range that ends behind the object with what there is", async () => {
    const store = await open();
    await store.put("short", bytes("abc"));
    expect(await store.getRange("short", 1, 100)).toEqual(bytes("bc"));
    expect(await store.getRange("short", 3, 100)).toEqual(new Uint8Array(0));
  });

  it("lists keys below a prefix in order, from a key on, up to a limit", async () => {
    const store = await open();
    for (const key of ["b/2", "a/1", "b/1", "b/10", "c", "b/sub/3"]) await store.put(key, bytes(key));
    expect(await store.list("b/")).toEqual(["b/1", "b/10", "b/2", "b/sub/3"]);
    expect(await store.list("b/1")).toEqual(["b/1", "b/10"]);
    expect(await store.list("b/", { after: "b/1", limit: 2 })).toEqual(["b/10", "b/2"]);
    expect(await store.list("nothing/")).toEqual([]);
    expect(await store.list("")).toHaveLength(6);
  });

  it("removes, also what is not there", async () => {
    const store = await open();
    await store.put("gone", bytes("x"));
    await store.remove("gone");
    await store.remove("gone");
    expect(await store.get("gone")).toBeUndefined();
    expect(await store.put("gone", bytes("y"))).toBe("stored");
  });

  it("refuses keys that leave the store: ../a, /a, a//b, a/./b, a b", async () => {
    const store = await open();
    for (const key of ["../a", "/a", "a//b", "a/./b", "a/../b", "a b", "", "a\0"]) {
      await expect(store.put(key, bytes("x")), key).rejects.toMatchObject({ code: "invalid_request" });
      await expect(store.get(key), key).rejects.toMatchObject({ code: "invalid_request" });
    }
  });
}

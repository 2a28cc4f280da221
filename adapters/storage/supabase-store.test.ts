import { afterAll, describe, expect, it } from "vitest";
import { archiveStoreContract } from "../../test/contract/archive-store.ts";
import { startStorageDouble, type StorageDouble, storageSecretKey } from "../../test/support/storage-double.ts";
import { createSupabaseStore } from "./supabase-store.ts";

const bucket = "audit-archive";

describe("createSupabaseStore()", () => {
  const doubles: StorageDouble[] = [];
  const open = async () => {
    const double = await startStorageDouble(bucket);
    doubles.push(double);
    return { double, store: createSupabaseStore({ url: double.url, secretKey: storageSecretKey, bucket }) };
  };
  afterAll(() => Promise.all(doubles.map((double) => double.stop())));

  archiveStoreContract(async () => (await open()).store);

  it("tells a store that is away from an object that is not there", async () => {
    const { double, store } = await open();
    double.faults.upload.push("refuse", "break");
    await expect(store.put("a", Uint8Array.of(1))).rejects.toMatchObject({ code: "unavailable" });
    await expect(store.put("a", Uint8Array.of(1))).rejects.toMatchObject({ code: "unavailable" });
    double.faults.download.push("refuse", "break", "refuse");
    await expect(store.get("a")).rejects.toMatchObject({ code: "unavailable" });
    await expect(store.get("a")).rejects.toMatchObject({ code: "unavailable" });
    await expect(store.getRange("a", 0, 1)).rejects.toMatchObject({ code: "unavailable" });
  });

  it.each([200, 206])("says unavailable when an answer of status %i breaks off", async (status) => {
    const cut = () => new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) });
    const store = createSupabaseStore({
      url: "http://127.0.0.1:9",
      secretKey: storageSecretKey,
      bucket,
      fetch: () => Promise.resolve(new Response(cut(), { status })),
    });
    await expect(store.get("a")).rejects.toMatchObject({ code: "unavailable" });
    await expect(store.getRange("a", 0, 1)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("is refused with another key, and does not name the key", async () => {
    const { double } = await open();
    const store = createSupabaseStore({ url: double.url, secretKey: "sb_secret_wrong_0123456789abcdef", bucket });
    const fault = await store.put("a", Uint8Array.of(1)).catch((error: unknown) => error as Error);
    expect(fault).toMatchObject({ code: "unavailable" });
    expect(String((fault as Error).message)).not.toContain("sb_secret");
    expect(double.objects.size).toBe(0);
  });

  it("lists past the first page of a thousand", async () => {
    const { double, store } = await open();
    for (let index = 0; index < 2100; index++) double.objects.set(`many/${String(index).padStart(4, "0")}`, new Uint8Array(0));
    expect(await store.list("many/", { after: "many/1999", limit: 3 })).toEqual(["many/2000", "many/2001", "many/2002"]);
    expect(await store.list("many/", { limit: 5000 })).toHaveLength(2100);
  });
});

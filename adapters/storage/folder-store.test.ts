import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { archiveStoreContract } from "../../test/contract/archive-store.ts";
import { createFolderStore } from "./folder-store.ts";

describe("createFolderStore()", () => {
  const folders: string[] = [];
  const newFolder = () => {
    folders.push(mkdtempSync(join(tmpdir(), "audit-folder-store-")));
    return folders.at(-1) as string;
  };
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  archiveStoreContract(() => Promise.resolve(createFolderStore(newFolder())));

  it("leaves nothing unfinished behind", async () => {
    const folder = newFolder();
    const store = createFolderStore(folder);
    await store.put("a", Uint8Array.of(1));
    await store.put("a", Uint8Array.of(2));
    expect(readdirSync(join(folder, ".unfinished"))).toEqual([]);
  });

  it("makes the name durable also of an object that is there already: whoever put it may have crashed before that", async () => {
    const folder = newFolder();
    const store = createFolderStore(folder);
    await store.put("a/b", Uint8Array.of(1));
    const handle = await open(folder, "r");
    const sync = vi.spyOn(Object.getPrototypeOf(handle), "sync");
    await handle.close();
    expect(await store.put("a/b", Uint8Array.of(1))).toBe("exists");
    // The file that was written aside, the folder of the name, and the one above it.
    expect(sync).toHaveBeenCalledTimes(3);
    sync.mockRestore();
  });

  it("makes the folder with all that is above it, also when two do so at once, and ends where none can be made", async () => {
    const folder = join(newFolder(), "not", "there", "yet");
    const put = (key: string) => createFolderStore(folder).put(key, Uint8Array.of(1));
    expect(await Promise.all([put("a/b/c"), put("a/b/d")])).toEqual(["stored", "stored"]);
    await expect(createFolderStore("/proc/none/archive").put("a", Uint8Array.of(1))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("says that a folder it cannot write is unavailable", async () => {
    const store = createFolderStore(join(newFolder(), "a-file", "below"));
    writeFileSync(join(folders.at(-1) as string, "a-file"), "");
    await expect(store.put("a", Uint8Array.of(1))).rejects.toMatchObject({ code: "unavailable" });
  });
});

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
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

  it("says that a folder it cannot write is unavailable", async () => {
    const store = createFolderStore(join(newFolder(), "a-file", "below"));
    writeFileSync(join(folders.at(-1) as string, "a-file"), "");
    await expect(store.put("a", Uint8Array.of(1))).rejects.toMatchObject({ code: "unavailable" });
  });
});

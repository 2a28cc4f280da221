import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pool } from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { signKeyRotation } from "../../core/format/key-rotation.ts";
import { makeSigningKey, parseNote, parseSigningKey, signNote } from "../../core/format/signed-note.ts";
import { readLogKeys } from "./log-keys.ts";

const logOrigin = "log.example/audit";
const at = new Date("2026-03-01T00:00:00Z");
const later = new Date("2026-03-02T00:00:00Z");
const [first, second, third, stranger] = await Promise.all([1, 2, 3, 4].map(async (byte) => {
  const made = await makeSigningKey(logOrigin, new Uint8Array(32).fill(byte));
  return { text: made.verifierKey, signer: await parseSigningKey(made.signingKey) };
})) as [TestKey, TestKey, TestKey, TestKey];
type TestKey = { readonly text: string; readonly signer: Awaited<ReturnType<typeof parseSigningKey>> };
/** A database that knows no key. */
const nothing = { query: () => Promise.resolve({ rows: [] }) } as unknown as Pool;
const folder = mkdtempSync(join(tmpdir(), "audit-log-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const read = async (given: readonly TestKey[], statements: readonly string[]) => {
  const files = statements.map((statement, n) => {
    const file = join(folder, `${n}.txt`);
    writeFileSync(file, statement);
    return file;
  });
  const { verifiers, handovers } = await readLogKeys(nothing, given.map(({ text }) => text), files);
  return { count: verifiers.length, chain: handovers.map(({ retiredKey, successorKey }) => [retiredKey, successorKey]) };
};

describe("readLogKeys()", () => {
  const chain = [[first.text, second.text], [second.text, third.text]];

  it("follows statements back from the newest key, in whatever order they are given and whatever their times say", async () => {
    for (const [one, two] of [[at, later], [at, at], [later, at]] as const) {
      const statements = [
        await signKeyRotation(logOrigin, first.signer, second.signer, one),
        await signKeyRotation(logOrigin, second.signer, third.signer, two),
      ];
      for (const given of [[third], [second, third], [third, second], [first, second, third]]) {
        expect(await read(given, statements)).toEqual({ count: 3, chain });
        expect(await read(given, statements.toReversed())).toEqual({ count: 3, chain });
      }
    }
  });

  it("takes a handover once, though a copy of its statement was signed by somebody else too", async () => {
    const statement = await signKeyRotation(logOrigin, first.signer, second.signer, at);
    const [own = ""] = (await signNote(parseNote(statement).text, [stranger.signer])).split("\n").slice(-2);
    expect(await read([second], [statement, statement, `${statement}${own}\n`])).toEqual({ count: 2, chain: [[first.text, second.text]] });
  });

  it("follows no statement forwards, of another log, or to a key that is not believed, and refuses one that the successor alone signed", async () => {
    const statement = await signKeyRotation(logOrigin, first.signer, second.signer, at);
    expect(await read([first], [statement])).toEqual({ count: 1, chain: [] });
    expect(await read([third], [statement])).toEqual({ count: 1, chain: [] });
    expect(await read([second], [await signKeyRotation("log.example/other", first.signer, second.signer, at)])).toEqual({ count: 1, chain: [] });
    const forged = await signNote(parseNote(statement).text, [second.signer]);
    await expect(read([second], [forged])).rejects.toMatchObject({ code: "bad_rotation", message: expect.stringContaining("are not by both keys") });
  });

  it("keeps to the keys before a gap in the statements, and ends where keys hand over in a circle", async () => {
    const statements = [await signKeyRotation(logOrigin, first.signer, second.signer, at), await signKeyRotation(logOrigin, third.signer, stranger.signer, at)];
    expect(await read([second, stranger], statements)).toEqual({ count: 4, chain: [[first.text, second.text]] });
    const back = await signKeyRotation(logOrigin, second.signer, first.signer, later);
    expect((await read([second], [...statements, back])).count).toBe(2);
  });
});

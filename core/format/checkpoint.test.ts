import { describe, expect, it } from "vitest";
import { formatCheckpoint, openCheckpoint, originOf, parseCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { makeSigningKey, parseSigningKey, signNote } from "./signed-note.ts";

const origin = originOf("log.example/audit", "123e4567-e89b-12d3-a456-426614174000");
const checkpoint = { origin, size: 20852163, root: new Uint8Array(32).fill(7) };
const signer = await parseSigningKey((await makeSigningKey("log.example/audit", new Uint8Array(32).fill(1))).signingKey);
const other = await parseSigningKey((await makeSigningKey("log.example/audit", new Uint8Array(32).fill(2))).signingKey);

describe("parseCheckpoint()", () => {
  it("reads back what formatCheckpoint() writes", () => {
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
    expect(parseCheckpoint(formatCheckpoint({ ...checkpoint, size: 0 })).size).toBe(0);
  });

  it("reads the published example with extension lines after it", () => {
    const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nextension\n";
    expect(parseCheckpoint(text)).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20852163 });
  });

  it.each([
    ["no origin", "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"],
    ["a size with a leading zero", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"],
    ["a size past 2^53", "a\n9007199254740993\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"],
    ["a root of 31 bytes", "a\n1\nxRhqkYY+jh2QyAgBSqib9dqOPuHZ8HYw8DePaPGrYg==\n"],
    ["an empty extension line", "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"],
    ["no newline at the end", "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="],
  ])("refuses %s", (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow("parse checkpoint");
  });
});

describe("openCheckpoint()", () => {
  const at = new Date("2026-11-22T02:37:18.999Z");

  it("is what was signed, with the time cut to the second", async () => {
    const note = await signCheckpoint(checkpoint, signer, at);
    expect(await openCheckpoint(note, signer)).toEqual({ ...checkpoint, signedAt: new Date("2026-11-22T02:37:18Z") });
  });

  it("refuses another key of the same name, and a changed size", async () => {
    const note = await signCheckpoint(checkpoint, signer, at);
    await expect(openCheckpoint(note, other)).rejects.toThrow("signature");
    await expect(openCheckpoint(note.replace("20852163", "20852162"), signer)).rejects.toThrow("signature");
  });

  it("refuses a checkpoint that does not say when", async () => {
    await expect(openCheckpoint(await signNote(formatCheckpoint(checkpoint), [signer]), signer)).rejects.toThrow("time");
  });
});

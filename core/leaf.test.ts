import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256 } from "../test/support/sha256.ts";
import type { AuditEvent, Json } from "./event.ts";
import { toHex } from "./format/hex.ts";
import { leafHashOf, leafHashWithin, leafOf } from "./leaf.ts";
import { limits } from "./limits.ts";

const page = readFileSync(new URL("../docs/format/event.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```(?:json|text)\n(.*?)\n```/gs)].map((match) => match[1] as string);

const smallest: AuditEvent = {
  tenant_id: "123e4567-e89b-12d3-a456-426614174000",
  occurred_at: "2026-11-22T10:11:12.345Z",
  id: "01a202bd-0759-7b3c-9d21-0f6a8c2e5b14",
  received_at: "2026-11-22T10:11:12.871Z",
  principal: "anon",
  event_type: "t",
  result: "success",
};
const text = fc.string({ unit: "grapheme" });
const context = fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<{ [key: string]: Json }>;
const optional = fc.record({
  source: text,
  actor_id: text,
  actor_type: text,
  object_type: text,
  object_id: text,
  message: text,
  duration_ms: fc.nat(),
  context,
  ip_address: fc.ipV4(),
  user_agent: text,
  device_fingerprint: text,
  request_id: text,
  producer_id: text,
  producer_seq: fc.maxSafeNat(),
}, { requiredKeys: [] });

describe("leafOf()", () => {
  it("writes the leaf of docs/format/event.md, and its hash", () => {
    const [event, leaf, hash] = blocks as [string, string, string];
    expect(leafOf(JSON.parse(event) as AuditEvent)).toBe(leaf);
    expect(toHex(leafHashOf(leaf, sha256))).toBe(hash);
    expect(page).toContain(`this leaf of ${new TextEncoder().encode(leaf).length} bytes`);
  });

  it("keeps the bounds that the page states", () => {
    const stated = [limits.leafBytesMax, limits.contextBytesMax, limits.messageBytesMax, limits.userAgentBytesMax].map((bytes) => bytes.toLocaleString("en"));
    for (const bytes of [...stated, `${limits.indexedBytesMax}`, `{1,${limits.typeNameLengthMax}}`, `0 to ${limits.durationMsMax}`]) {
      expect(page).toContain(bytes);
    }
    expect(page).toContain(`${limits.contextDepthMax} levels, ${limits.keysPerObjectMax} keys an object`);
  });

  it("is the canonical JSON of v and every field that there is", () => {
    fc.assert(fc.property(optional, (fields) => {
      const event = { ...smallest, ...fields } as AuditEvent;
      expect(leafOf(event)).toBe(canonicalize({ ...event, v: 1 }));
    }));
  });

  it("takes a field that is undefined for one that is not there", () => {
    const event = { ...smallest, actor_id: undefined, context: undefined, source: undefined } as unknown as AuditEvent;
    expect(leafOf(event)).toBe(leafOf(smallest));
  });

  it("takes the context's JSON from the caller instead of writing it again", () => {
    expect(leafOf({ ...smallest, context: { b: 1 } }, '{"a":2}')).toContain('"context":{"a":2},');
  });

  it("differs whenever a field moves from one column to another", () => {
    const moved = [{ actor_id: "x" }, { object_id: "x" }, { request_id: "x" }, { context: { actor_id: "x" } }, { actor_type: 'x","context":{}' }, {
      actor_type: "x",
      context: {},
    }];
    expect(new Set(moved.map((fields) => leafOf({ ...smallest, ...fields }))).size).toBe(moved.length);
  });
});

describe("leafHashWithin()", () => {
  it("hashes a leaf of 65,535 bytes and refuses one of 65,536, in whatever characters", () => {
    for (const character of ["a", "é", "€", "😀"]) {
      const bytes = new TextEncoder().encode(character).length;
      const longest = character.repeat(Math.floor(limits.leafBytesMax / bytes)) + "a".repeat(limits.leafBytesMax % bytes);
      expect(leafHashWithin(longest, sha256)).toEqual(sha256(new TextEncoder().encode(`\0${longest}`)));
      expect(leafHashWithin(`${longest}a`, sha256)).toBeUndefined();
    }
  });

  it("does not let one leaf's bytes reach into the next one's hash", () => {
    const once = leafHashWithin("short", sha256);
    leafHashWithin("a much longer leaf", sha256);
    expect(leafHashWithin("short", sha256)).toEqual(once);
  });
});

describe("leafHashOf()", () => {
  it("throws where a stored leaf could not be so long", () => {
    expect(() => leafHashOf("a".repeat(limits.leafBytesMax + 1), sha256)).toThrow("hash leaf");
  });
});

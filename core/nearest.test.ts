import { describe, expect, it } from "vitest";
import { nearest } from "./nearest.ts";

describe("nearest()", () => {
  const known = ["tenant_id", "from", "to", "limit", "offset", "object_type", "object_id", "q"];
  it.each([
    ["limt", "limit"],
    ["Offset", "offset"],
    ["objct_typ", "object_type"],
    ["object_idd", "object_id"],
    ["tenantid", "tenant_id"],
    ["fromm", "from"],
    ["form", "from"],
    ["ot", "to"],
  ])("finds what %s was meant to be", (word, meant) => {
    expect(nearest(word, known)).toBe(meant);
  });
  it.each(["", "x", "foo", "room", "for", "seq", "lit", "something-else", "l".repeat(100_000)])("suggests nothing for %.20s", (word) => {
    expect(nearest(word, known)).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { parsePrefer, preferenceApplied } from "./prefer.ts";

const none = { strict: false, respondAsync: false, minimal: false };

describe("parsePrefer()", () => {
  it.each([
    [null, {}],
    ["", {}],
    ["handling=strict", { strict: true }],
    ["handling=lenient", {}],
    ["Handling = Strict", { strict: true }],
    ['return="minimal"', { minimal: true }],
    ["return=representation", {}],
    ["respond-async", { respondAsync: true }],
    ["respond-async, wait=10; foo=bar, return=minimal", { respondAsync: true, minimal: true }],
    ["handling=lenient, handling=strict", {}],
    ["strict, minimal, respond-asynchronously, ,;", {}],
    // Words in a quoted string ask for nothing: a 202 promises less than was asked for.
    ['note="a, respond-async, b", return=minimal', { minimal: true }],
    ['note="a \\", respond-async", handling=strict', { strict: true }],
    ['note="never closed, respond-async', {}],
  ])("reads %j", (header, wanted) => {
    expect(parsePrefer(header)).toEqual({ ...none, ...wanted });
  });
});

describe("preferenceApplied()", () => {
  it("names what was honoured, and nothing when nothing was", () => {
    expect(preferenceApplied({ strict: true, respondAsync: true, minimal: true })).toBe("handling=strict, respond-async, return=minimal");
    expect(preferenceApplied(none)).toBeUndefined();
  });
});

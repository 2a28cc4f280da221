import { describe, expect, it } from "vitest";
import { parseBigint, parseInet, parseTime } from "./column-types.ts";

describe("parseTime()", () => {
  it.each([
    ["2026-11-22 02:03:04+00", "2026-11-22T02:03:04.000Z"],
    ["2026-11-22 02:03:04.5+00", "2026-11-22T02:03:04.500Z"],
    ["2026-11-22 02:03:04.056+00", "2026-11-22T02:03:04.056Z"],
    ["0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000Z"],
    ["9999-12-31 23:59:59.999+00", "9999-12-31T23:59:59.999Z"],
  ])("writes %s as %s", (text, time) => {
    expect(parseTime(text)).toBe(time);
  });

  it("keeps what a row of ours cannot hold, so that its leaf comes out different", () => {
    expect(parseTime("2026-11-22 02:03:04.056001+00")).toBe("2026-11-22T02:03:04.056001Z");
    for (const text of ["infinity", "0044-03-15 00:00:00+00 BC", "2026-11-22 02:03:04+01", "12026-11-22 02:03:04+00"]) expect(parseTime(text)).toBe(text);
  });
});

describe("parseInet()", () => {
  it("writes addresses as we hash them: hexadecimal, IPv4-mapped as IPv4", () => {
    expect(parseInet("203.0.113.7")).toBe("203.0.113.7");
    expect(parseInet("::1.2.3.4")).toBe("::102:304");
    expect(parseInet("::ffff:203.0.113.7")).toBe("203.0.113.7");
  });

  it("keeps a mask, which no row of ours has", () => {
    expect(parseInet("203.0.113.0/24")).toBe("203.0.113.0/24");
  });
});

describe("parseBigint()", () => {
  it("gives a number where that is exact, else the text", () => {
    expect(parseBigint("9007199254740991")).toBe(9007199254740991);
    expect(parseBigint("-9007199254740991")).toBe(-9007199254740991);
    expect(parseBigint("9007199254740992")).toBe("9007199254740992");
    expect(parseBigint("9223372036854775807")).toBe("9223372036854775807");
  });
});

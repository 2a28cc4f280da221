import { describe, expect, it } from "vitest";
import { requestIdOf } from "./request-id.ts";

const zeros = (length: number) => new Uint8Array(length);
const withId = (id: string) => new Request("http://x/", { headers: { "x-request-id": id } });

describe("requestIdOf()", () => {
  it.each(["01a202bd-0759-7b3c-9d21-0f6a8c2e5b14", "req_1:2.3", "a".repeat(100)])("keeps %s", (id) => {
    expect(requestIdOf(withId(id), zeros)).toBe(id);
  });

  it.each(["", "-x", "a b", 'a"b', "a<b>", "a".repeat(101), "é"])("makes a new one instead of %j", (id) => {
    expect(requestIdOf(withId(id), zeros)).toBe("0".repeat(32));
  });

  it("makes one where there is none", () => {
    expect(requestIdOf(new Request("http://x/"), zeros)).toBe("0".repeat(32));
  });
});

import { describe, expect, it } from "vitest";
import { AuditError } from "./errors.ts";
import { faultRecord } from "./fault-record.ts";

describe("faultRecord()", () => {
  it("gives our own message and code, and follows the cause", () => {
    const cause = Object.assign(new Error("Key (id)=(S3CRET) already exists"), { code: "23505" });
    const record = faultRecord(new AuditError("unavailable", "store events: database is away", { cause }));
    expect(record).toMatchObject({
      error: "AuditError",
      code: "unavailable",
      message: "store events: database is away",
      cause: { error: "Error", code: "23505" },
    });
    expect(JSON.stringify(record)).not.toContain("S3CRET");
  });

  it("gives another's name and frames, but none of its words, however many lines they have", () => {
    const record = faultRecord(new TypeError("S3CRET\n    at S3CRET (file:///S3CRET.ts:1:1)\nS3CRET"));
    expect(record).toMatchObject({ error: "TypeError", at: expect.arrayContaining([expect.stringContaining("fault-record.test.ts")]) });
    expect(JSON.stringify(record)).not.toContain("S3CRET");
  });

  it.each(["S3CRET", 5, null, undefined, { message: "S3CRET" }])("names the type of what is no error", (thrown) => {
    expect(faultRecord(thrown)).toEqual({ error: typeof thrown });
  });
});

import { describe, expect, it } from "vitest";
import { ownTypes } from "./catalogue.ts";
import { reservedType } from "./reserved-type.ts";

describe("reservedType()", () => {
  it("refuses all that the log writes itself, and whatever else begins so", () => {
    const written = Object.keys(ownTypes).filter((type) => type !== "audit.sdk.dropped");
    for (const type of [...written, "audit.", "audit.login"]) expect(reservedType(type)).toMatchObject({ code: "reserved_event_type", pointer: "/event_type" });
  });

  it.each(["audit.sdk.dropped", "audit", "audits.done", "audit:done", "my.audit.done"])("lets callers say %s", (type) => {
    expect(reservedType(type)).toBeUndefined();
  });
});

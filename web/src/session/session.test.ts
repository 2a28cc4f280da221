import { describe, expect, it } from "vitest";
import { sessionOf } from "./session.ts";

function tokenOf(payload: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.c2ln`;
}

const tenant = "123e4567-e89b-12d3-a456-426614174000";

describe("sessionOf()", () => {
  it("knows the tenants by either claim, each once", () => {
    expect(sessionOf(tokenOf({ sub: "u", app_metadata: { tenant_id: tenant, tenant_ids: [tenant, "b"] } }))).toMatchObject({ tenants: [tenant, "b"] });
  });

  it.each([5, {}, [null, 7, { a: 1 }], [[[]]], true, null])("makes something of claims that are of another kind: tenant_ids %j", (tenant_ids) => {
    expect(sessionOf(tokenOf({ sub: "u", app_metadata: { tenant_id: tenant, tenant_ids } }))).toMatchObject({ tenants: [tenant], role: "viewer" });
  });

  it("is nobody for what is no token", () => {
    for (const text of ["", "a.b", "a.!.c", tokenOf(5), "aud_short_x"]) expect(sessionOf(text)).toBeUndefined();
  });
});

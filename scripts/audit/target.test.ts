import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readProject } from "../doctor/read-project.ts";
import { functionTarget } from "./target.ts";

const settings = fileURLToPath(new URL("../../.env.example", import.meta.url));

describe("functionTarget()", () => {
  it("takes the secret key under the name that a deployment has it under, and ours before it", () => {
    const shell = { SUPABASE_URL: "https://x.supabase.co/", SUPABASE_SECRET_KEY: "sb_secret_project" };
    expect(functionTarget({}, shell)).toMatchObject({ apiUrl: "https://x.supabase.co/functions/v1", credential: "sb_secret_project" });
    expect(functionTarget({}, { ...shell, AUDIT_SECRET_KEY: "sb_secret_mine" })).toMatchObject({ credential: "sb_secret_mine" });
    expect(functionTarget({}, { ...shell, AUDIT_SECRET_KEY: " " })).toMatchObject({ credential: "sb_secret_project" });
    expect(() => functionTarget({}, { SUPABASE_URL: shell.SUPABASE_URL })).toThrow("neither --local nor an address with a key is given");
  });
});

describe("readProject()", () => {
  it("takes the secret key under the name that the command has it under, and Supabase's before it", () => {
    const shell = { SUPABASE_URL: "https://x.supabase.co", AUDIT_SECRET_KEY: "sb_secret_mine" };
    expect(readProject(settings, shell)).toMatchObject({ secretKey: "sb_secret_mine" });
    expect(readProject(settings, { ...shell, SUPABASE_SECRET_KEY: "sb_secret_project" })).toMatchObject({ secretKey: "sb_secret_project" });
    expect(readProject(settings, { ...shell, AUDIT_SECRET_KEY: "" }).secretKey).toBeUndefined();
  });
});

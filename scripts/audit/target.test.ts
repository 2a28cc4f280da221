import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { needs } from "../deploy/steps.ts";
import { readProject } from "../doctor/read-project.ts";
import type { CommandError } from "./failure.ts";
import { apiTarget, databaseTarget, functionTarget } from "./target.ts";

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

describe("an address that is none", () => {
  it("is told before anything is asked, under the name that it was given by, and without repeating it", () => {
    for (const wrong of ["foo", "postgresql://u:pa/ss@host:5432/db", "https://host/db", "postgresql://"]) {
      expect(() => databaseTarget({ database: wrong }, {}), wrong).toThrow(
        /^read --database: it is not a URL like postgresql:\/\/user:password@host:5432\/database$/,
      );
    }
    expect(() => databaseTarget({}, { SUPABASE_DB_URL: "foo" })).toThrow("read SUPABASE_DB_URL: ");
    expect(() => databaseTarget({}, { AUDIT_DATABASE_URL: "foo", SUPABASE_DB_URL: "postgresql://h/d" })).toThrow("read AUDIT_DATABASE_URL: ");
    expect(() => apiTarget({}, "read", { AUDIT_API_URL: "api.example.com", AUDIT_API_KEY: "k" })).toThrow("read AUDIT_API_URL: it is not an http or https URL");
    expect(() => apiTarget({}, "read", { AUDIT_URL: "x.supabase.co", AUDIT_API_KEY: "k" })).toThrow("read AUDIT_URL: ");
    expect(() => functionTarget({}, { SUPABASE_URL: "x.supabase.co", SUPABASE_SECRET_KEY: "k" })).toThrow("read SUPABASE_URL: ");
  });

  it("is any that can be connected to", () => {
    for (const right of ["postgres://h/d", "postgresql://u:p%2Fw@h:6543/d?sslmode=verify-full", "postgresql:///d?host=/run/postgresql"]) {
      expect(databaseTarget({ database: right }, {})).toBe(right);
    }
  });

  it("may have white space around it, as files and secrets often end", () => {
    expect(databaseTarget({}, { AUDIT_DATABASE_URL: " postgresql://h/d \n" })).toBe("postgresql://h/d");
    expect(databaseTarget({ database: "postgresql://h/d " }, {})).toBe("postgresql://h/d");
  });

  it("is not looked for elsewhere when the option is there and empty", () => {
    expect(() => databaseTarget({ database: "" }, { AUDIT_DATABASE_URL: "postgresql://h/d" })).toThrow("read --database: ");
    expect(databaseTarget({}, { AUDIT_DATABASE_URL: "", SUPABASE_DB_URL: "postgresql://h/d" })).toBe("postgresql://h/d");
  });
});

describe("readProject()", () => {
  it("takes the secret key under the name that the command has it under, and Supabase's before it", async () => {
    const shell = { SUPABASE_URL: "https://x.supabase.co", AUDIT_SECRET_KEY: "sb_secret_mine" };
    expect(await readProject(settings, shell)).toMatchObject({ secretKey: "sb_secret_mine" });
    expect(await readProject(settings, { ...shell, SUPABASE_SECRET_KEY: "sb_secret_project" })).toMatchObject({ secretKey: "sb_secret_project" });
    expect((await readProject(settings, { ...shell, AUDIT_SECRET_KEY: "" })).secretKey).toBeUndefined();
  });

  it("names everything that is missing or malformed at once, each once, and repeats no password", async () => {
    const told = (shell: Readonly<Record<string, string>>, file = settings) =>
      readProject(file, shell, Object.values(needs).flat()).then(() => [], (fault: CommandError) => fault.message.split("\n").slice(1));
    expect(await told({}, "none.env")).toEqual([
      expect.stringMatching(/^ {2}find project: SUPABASE_PROJECT_REF is not set: export it/),
      expect.stringMatching(/^ {2}read none\.env: there is no such file: copy \.env\.example/),
      expect.stringMatching(/^ {2}find database: SUPABASE_DB_URL is not set: export/),
      expect.stringMatching(/^ {2}find secret key: SUPABASE_SECRET_KEY is not set: export/),
      expect.stringMatching(/^ {2}AUDIT_SIGNING_KEY: is not set: put the key/),
    ]);
    const malformed = { SUPABASE_PROJECT_REF: "http://x", SUPABASE_DB_URL: "postgresql://postgres:half/secret@h/db", SUPABASE_SECRET_KEY: "sb_secret_x" };
    const lines = await told(malformed);
    expect(lines.map((line) => line.slice(2).split(":")[0])).toEqual([
      "read SUPABASE_PROJECT_REF",
      "read SUPABASE_DB_URL",
      "AUDIT_SIGNING_KEY",
      "AUDIT_LOG_ORIGIN",
      "AUDIT_CURSOR_KEY",
      // The example's user and password.
      "AUDIT_DATABASE_URL",
      "AUDIT_DATABASE_URL",
    ]);
    expect(String(lines)).not.toContain("secret@");
  });
});

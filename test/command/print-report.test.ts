import { describe, expect, it } from "vitest";
import { failureText } from "../../scripts/audit/failure.ts";
import { reportText } from "../../scripts/audit/print-report.ts";

/** Clears the screen, names the window, turns what follows around, and begins a line of its own. */
const hostile = "\u001b[2J\u001b]0;PWN\u0007\u009b2J\u202eSOUND\nSOUND";

describe("what the command prints of text that somebody else wrote", () => {
  it("neither moves the cursor nor adds a line to a report on an export", () => {
    const finding = { kind: "event_changed", tenant_id: hostile, id: hostile, occurred_at: hostile, message: hostile } as const;
    const tenant = { tenant_id: hostile, size: 1, root: "", checkpoints: 0, findings: 1 };
    const text = reportText({ sound: false, events: 1, unsealed: 0, tenants: [tenant], finding_count: 1, findings: [finding], first_bad_event: finding }, []);
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(text.split("\n").filter((line) => line.startsWith("SOUND"))).toEqual([]);
    expect(text).toMatch(/^TAMPERED\n/);
  });

  it("nor in a failure, which may have lines of its own", () => {
    const text = failureText({ code: "x", message: `ask API: ${hostile}\n  /a: b`, hint: "try again" });
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(text).toMatch(/\n {2}\/a: b\nTry again\.$/);
  });
});

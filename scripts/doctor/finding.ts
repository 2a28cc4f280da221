/**
 * What one check found. `pending`: not there yet, and `deploy` will make it. `warning`: it works, but not as well or as safely as it could.
 * `fault`: it will not work. `unchecked`: what the check needs was not given.
 */
export type Finding = {
  readonly check: string;
  readonly state: "ok" | "pending" | "warning" | "fault" | "unchecked";
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
};

/** Makes the findings of one check. */
export function finder(check: string) {
  const make = (state: Finding["state"]) => (detail: string, remedy?: string): Finding => ({ check, state, detail, ...remedy === undefined ? {} : { remedy } });
  return { ok: make("ok"), pending: make("pending"), warning: make("warning"), fault: make("fault"), unchecked: make("unchecked") };
}

const marks = { ok: "ok", pending: "to do", warning: "WARNING", fault: "FAULT", unchecked: "not checked" } as const;

/** One line a finding, and below it what to do. */
export function findingText({ check, state, detail, remedy }: Finding): string {
  return `${marks[state].padEnd(12)}${check}: ${detail}${remedy === undefined ? "" : `\n${" ".repeat(12)}→ ${remedy}`}`;
}

/** The real function, by whose clock it is `TEST_CLOCK_SHIFT_MS` later than it is: what two processes on both sides of midnight see. */
const shiftMs = Number(Deno.env.toObject()["TEST_CLOCK_SHIFT_MS"]);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parts: unknown[]) {
    super(...(parts.length === 0 ? [RealDate.now() + shiftMs] : parts) as [number]);
  }
  static override now(): number {
    return RealDate.now() + shiftMs;
  }
} as DateConstructor;

// After the clock: a module that reads the time when it is loaded must see the shifted one.
export default (await import("../../functions/audit-logger/index.ts")).default;

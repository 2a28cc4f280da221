import process from "node:process";

/**
 * The real audit-logger with two additions that only a test has: a clock that is wrong by AUDIT_TEST_CLOCK_OFFSET_MS, and a path that tells whether
 * a request has left something on the prototypes that every object shares.
 */
const offsetMs = Number(process.env["AUDIT_TEST_CLOCK_OFFSET_MS"] ?? 0);
if (offsetMs !== 0) globalThis.Date = shiftedDate(offsetMs);

const { default: auditLogger } = await import("../../functions/audit-logger/index.ts");
const before = prototypes();

export default {
  fetch(request: Request): Response | Promise<Response> {
    if (!new URL(request.url).pathname.endsWith("/test-state")) return auditLogger.fetch(request);
    return Response.json({ prototypesUnchanged: prototypes() === before, now: new Date().toISOString() });
  },
};

/** The members of the shared prototypes, by name and kind. */
function prototypes(): string {
  const shared = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype, Promise.prototype, Object];
  const describe = (object: object) =>
    Reflect.ownKeys(object).map((key) => `${String(key)}:${typeof Object.getOwnPropertyDescriptor(object, key)?.value}`).join();
  return shared.map(describe).join("|");
}

function shiftedDate(shiftMs: number): DateConstructor {
  const RealDate = Date;
  return class extends RealDate {
    constructor(...given: unknown[]) {
      super(...(given.length === 0 ? [RealDate.now() + shiftMs] : given) as [number]);
    }
    static override now(): number {
      return RealDate.now() + shiftMs;
    }
  } as DateConstructor;
}

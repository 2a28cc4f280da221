import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { batchSchema, eventFieldsSchema, eventSchema } from "./event-schema.ts";
import { knownFields } from "./event-fields.ts";
import { limits } from "./limits.ts";
import { validateEvent } from "./validate.ts";

const anyTime = { earliestMs: -Infinity, latestMs: Infinity };

const goodTime = fc.date({ min: new Date("2026-01-01"), max: new Date("2027-01-01"), noInvalidDate: true }).chain((date) =>
  fc.constantFrom(date.toISOString(), date.toISOString().replace("Z", "+02:30").replace("T", "t"), date.toISOString().replace("Z", "9999Z"))
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    "\0",
    "a\ud800",
    "é".repeat(127),
    "é".repeat(128),
    "x".repeat(255),
    "x".repeat(256),
    "x".repeat(2048),
    "x".repeat(8193),
    "€".repeat(2731),
  ),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 0.5, -0.4, 2 ** 31 - 1, 2 ** 31 - 0.6, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e400, 5e-324, 1e-30),
);
const typeName = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_.:/-]{1,12}$/), fc.constantFrom("", "a b", "ü", "x".repeat(100), "x".repeat(101), "USER"));
const uuid = fc.oneof(fc.uuid(), fc.uuid({ version: 7 }), fc.uuid().map((id) => id.toUpperCase()), fc.constantFrom("{x}", "9b2f4c1e8d3a4f6b9c7d1e2f3a4b5c6d"));
const json = fc.jsonValue({ maxDepth: 3, stringUnit: "binary" });
const context = fc.oneof(
  fc.dictionary(fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom("a", "constructor", "k\0", "k/~")), json, { maxKeys: 5 }),
  fc.constantFrom<unknown>({}, { a: 1 }, { a: "\0" }, { a: 1e400 }, { a: [{ b: 5e-324 }] }, JSON.parse('{"__proto__":1}'), { a: "x".repeat(33_000) }, [], "{}"),
  fc.nat({ max: 40 }).map((levels) => nested(levels)),
  fc.nat({ max: 300 }).map((keys) => Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, index]))),
);
const anything = fc.oneof(json, text, number, fc.constant(null), fc.constant([]), fc.constant({}));

/** For every name that a field can be sent by, values that are right, nearly right and wrong. */
const valuesOf: Record<string, fc.Arbitrary<unknown>> = {
  id: uuid,
  tenant_id: uuid,
  occurred_at: fc.oneof(goodTime, fc.constantFrom("2026-02-29T00:00:00Z", "now")),
  ...Object.fromEntries(["source", "actor_type", "event_type", "object_type"].map((name) => [name, typeName])),
  ...Object.fromEntries(["actor_id", "object_id", "message", "user_agent", "device_fingerprint", "request_id", "producer_id"].map((name) => [name, text])),
  result: fc.constantFrom("success", "failure", "warning", "Success", ""),
  duration_ms: number,
  context,
  ip_address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.1", "::1%eth0", "host")),
  producer_seq: number,
};
const names = [...knownFields.keys()];
const member = fc.constantFrom(...names).chain((name) => {
  const known = valuesOf[knownFields.get(name)?.name ?? ""] ?? anything;
  return fc.tuple(
    fc.constant(name),
    fc.oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: anything }, { weight: 1, arbitrary: fc.constant(null) }),
  );
});
const unknownMember = fc.tuple(fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("constructor", "toString", "actorId")), json);
const event = fc.tuple(fc.array(fc.oneof({ weight: 20, arbitrary: member }, { weight: 1, arbitrary: unknownMember }), { maxLength: 7 }), fc.boolean()).map(
  ([members, isTyped]) => ({ ...(isTyped ? { event_type: "t" } : {}), ...Object.fromEntries(members) }),
);
/** Faults that the schema tells only when every single field is right. */
const ofSeveralFields = new Set(["required", "ambiguous_field", "id_needs_time"]);

describe("eventSchema", () => {
  it("and validateEvent accept the same events, make the same of them, and refuse the others for the same reasons", () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof({ weight: 30, arbitrary: event }, { weight: 1, arbitrary: anything }), (input) => {
        const byHand = validateEvent(input, anyTime);
        const bySchema = eventSchema.safeParse(input);
        expect(byHand.errors === undefined, JSON.stringify(byHand.errors ?? bySchema.error?.issues)).toBe(bySchema.success);
        if (byHand.errors === undefined) {
          seen.accepted++;
          expect(bySchema.data?.contextJson).toBe(byHand.contextJson);
          expect(bySchema.data?.event).toEqual(byHand.event);
          return;
        }
        seen.refused++;
        if (byHand.errors.length === limits.faultsPerEventMax) return;
        const told = new Set((bySchema.error?.issues ?? []).flatMap((issue) => faultsOf(issue, input)));
        const found = new Set(byHand.errors.map(({ code, pointer }) => faultText(code, pointer)));
        for (const fault of told) expect(found).toContain(fault);
        for (const fault of found) if (!ofSeveralFields.has(fault.split(" ")[0] ?? "")) expect(told).toContain(fault);
      }),
      { numRuns: 5000 },
    );
    // A generator that makes only one kind would prove nothing.
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(500);
  });

  it("knows the same names as validateEvent", () => {
    expect(Object.keys(eventFieldsSchema.shape).sort()).toEqual([...knownFields.keys()].sort());
  });
});

describe("batchSchema()", () => {
  const published = JSON.stringify(z.toJSONSchema(batchSchema(1000), { io: "input" }));

  it("describes itself in JSON Schema, with its bounds", () => {
    const wanted = ['"maxItems":1000', '"minItems":1', '"enum":["success","failure","warning"]', '"maxLength":255', '"maxLength":8192', '"format":"date-time"'];
    for (const part of [...wanted, '"additionalProperties":false', '"anyOf":[{"required":["event_type"]},{"required":["operation_type"]}]']) {
      expect(published).toContain(part);
    }
  });

  it("takes an envelope and a bare event, and refuses too many events", () => {
    const one = { event_type: "t" };
    expect(batchSchema(2).safeParse({ events: [one, one] }).success).toBe(true);
    expect(batchSchema(2).safeParse(one).success).toBe(true);
    expect(batchSchema(2).safeParse({ events: [one, one, one] }).success).toBe(false);
    expect(batchSchema(2).safeParse({ events: [] }).success).toBe(false);
  });
});

/** An issue of the schema as `validateEvent` would tell it. */
function faultsOf(issue: z.core.$ZodIssue, input: unknown): string[] {
  const pointer = issue.path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ["__proto__", "constructor", "prototype"].includes(key) ? "forbidden_key " : `unknown_field ${pointerOf(key)}`);
  }
  const value = typeof input === "object" && input !== null ? (input as Record<string, unknown>)[String(issue.path[0])] : input;
  if (issue.code === "custom") return [faultText(String(issue.params?.["code"]), pointer)];
  if (issue.code === "too_big") return [faultText("too_long", pointer)];
  if (issue.code === "invalid_value") return [`${typeof value === "string" ? "invalid_value" : "invalid_type"} ${pointer}`];
  // Zod calls Infinity and NaN no numbers.
  if (issue.code === "invalid_type") return [`${typeof value === "number" && issue.expected === "number" ? "number_out_of_range" : "invalid_type"} ${pointer}`];
  return [`invalid_value ${pointer}`];
}

function pointerOf(key: string): string {
  return key.isWellFormed() ? `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}` : "";
}

/** A pattern does not tell a long name from a wrong one; and of two names that differ, the later one is at fault by hand, the alias by schema. */
function faultText(code: string, pointer: string): string {
  if (code === "too_long" && /^\/(source|actor_type|event_type|operation_type|object_type)$/.test(pointer)) return `invalid_value ${pointer}`;
  if (code === "ambiguous_field") return `ambiguous_field ${knownFields.get(pointer.slice(1))?.name}`;
  return `${code} ${pointer}`;
}

function nested(levels: number): unknown {
  return levels === 0 ? {} : { a: nested(levels - 1) };
}

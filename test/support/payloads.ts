import fc from "fast-check";
import { canary as shared } from "./canary.ts";
import { makeId } from "./load-client.ts";
import { hostileEvents, type Mutation, mutations } from "./payloads-mutations.ts";

/**
 * One event of a generated batch, as JSON text: numbers such as 1e400 and doubled keys exist only as text. `expect` is what docs/format/event.md
 * promises: `stored` and `rejected` are exact, `either` is left to the door. `id` is set where the event, if stored, must be stored under it, and
 * `fields` where what is stored must be these, in stored form.
 */
export type EventCase = {
  readonly text: string;
  readonly expect: "stored" | "rejected" | "either";
  readonly why: string;
  readonly id: string | undefined;
  readonly fields?: Readonly<Fields>;
};

/** What a generated event needs to know: the time around which it happens, and whose it is. */
export type PayloadScope = { readonly nowMs: number; readonly tenantIds: readonly string[] };

export type Fields = { [field: string]: unknown };

/** Batches of events, structure-aware: valid ones, valid ones with one field broken, and JSON that only looks like events. */
export function batchCases(scope: PayloadScope, sizeMax: number): fc.Arbitrary<readonly EventCase[]> {
  const one = fc.oneof({ weight: 4, arbitrary: validCase(scope) }, { weight: 5, arbitrary: mutatedCase(scope) }, { weight: 1, arbitrary: hostileCase() });
  return fc.array(one, { minLength: 1, maxLength: sizeMax, size: "max" });
}

/** The body of a batch. */
export function bodyOf(cases: readonly EventCase[]): string {
  return `{"events":[${cases.map((eventCase) => eventCase.text).join(",")}]}`;
}

/** An event that must be stored. */
export function validCase(scope: PayloadScope): fc.Arbitrary<EventCase> {
  return validFields(scope).map((fields) => ({ text: JSON.stringify(fields), expect: "stored" as const, why: "valid", id: idOf(fields), fields }));
}

function mutatedCase(scope: PayloadScope): fc.Arbitrary<EventCase> {
  return fc.tuple(validFields(scope), fc.constantFrom(...mutations), fc.nat()).map(([fields, mutation, choice]) => apply(fields, mutation, choice, scope));
}

/** `fields` with one rule broken, or pushed to its edge. */
export function apply(fields: Fields, mutation: Mutation, choice: number, scope: PayloadScope): EventCase {
  const variant = mutation.variants[choice % mutation.variants.length];
  if (variant === undefined) throw new Error(`mutate an event: no variant: ${mutation.name}`);
  const changed = { ...fields };
  for (const name of mutation.removes ?? []) delete changed[name];
  const text = typeof variant.json === "function" ? variant.json(scope.nowMs) : variant.json;
  const rest = { ...changed };
  delete rest[mutation.field];
  const members = [
    ...Object.entries(rest).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`),
    `${JSON.stringify(mutation.field)}:${text}`,
  ];
  const keepsId = variant.expect === "stored" && mutation.field !== "id" && rest["id"] !== undefined;
  return { text: `{${members.join(",")}}`, expect: variant.expect, why: `${mutation.name}: ${text.slice(0, 60)}`, id: keepsId ? idOf(rest) : undefined };
}

function hostileCase(): fc.Arbitrary<EventCase> {
  const looksLikeAnEvent = fc.dictionary(
    fc.constantFrom("event_type", "id", "context", "tenant_id", "occurred_at", "actor_id", "message", "x"),
    fc.jsonValue(),
  );
  const text = fc.oneof(fc.json(), looksLikeAnEvent.map((event) => JSON.stringify(event)), fc.constantFrom(...hostileEvents));
  return text.map((json) => ({ text: json, expect: "either" as const, why: "hostile", id: undefined }));
}

function idOf(fields: Fields): string | undefined {
  return typeof fields["id"] === "string" ? fields["id"].toLowerCase() : undefined;
}

/** The fields of an event that must be stored: any combination of optional ones, each anywhere inside its limits. */
export function validFields(scope: PayloadScope): fc.Arbitrary<Fields> {
  const age = fc.oneof(fc.nat(6 * 86_400_000), fc.nat(60_000), fc.integer({ min: -50 * 60_000, max: 0 }));
  // Without bias, which would repeat ids and make conflicts of events that must be stored.
  const entropy = fc.noBias(fc.array(fc.integer({ min: 0, max: 15 }).map((digit) => digit / 16), { minLength: 32, maxLength: 32 }));
  const required = { tenant_id: fc.constantFrom(...scope.tenantIds), event_type: typeName() };
  const optional = fc.record({
    source: typeName(),
    actor_id: storableText(255),
    actor_type: typeName(),
    object_type: typeName(),
    object_id: storableText(255),
    result: fc.constantFrom("success", "failure", "warning"),
    message: storableText(300),
    duration_ms: fc.oneof(fc.nat(2_147_483_647), fc.double({ min: 0, max: 1e6, noNaN: true })),
    context: context(),
    ip_address: fc.oneof(fc.ipV4(), fc.ipV6()),
    user_agent: storableText(300),
    device_fingerprint: storableText(255),
    request_id: storableText(255),
    producer_id: storableText(255),
    producer_seq: fc.maxSafeNat(),
  }, { requiredKeys: [] });
  return fc.tuple(fc.record(required), optional, age, entropy, fc.constantFrom("both", "id", "neither", "time")).map(
    ([base, rest, ageMs, digits, identity]) => {
      const atMs = scope.nowMs - ageMs;
      const id = identity === "both" || identity === "id" ? { id: makeId(atMs, () => digits.shift() ?? 0) } : {};
      const time = identity === "both" || identity === "time" ? { occurred_at: new Date(atMs).toISOString() } : {};
      return { ...base, ...rest, ...id, ...time };
    },
  );
}

function typeName(): fc.Arbitrary<string> {
  const units = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-"];
  return fc.string({ unit: fc.constantFrom(...units), minLength: 1, maxLength: 100 });
}

/** Any code points but U+0000, at most `bytesMax` bytes of UTF-8. */
function storableText(bytesMax: number): fc.Arbitrary<string> {
  const any = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.string({ unit: "grapheme", maxLength: 40 }), fc.constantFrom(...awkwardText));
  return any.map((value) => cut(value.replaceAll("\0", "0"), bytesMax)).filter((value) => value !== "");
}

function cut(text: string, bytesMax: number): string {
  const points = [...text];
  while (Buffer.byteLength(points.join("")) > bytesMax) points.pop();
  return points.join("");
}

/** Stands in many generated strings: nothing that a caller sent may turn up in a log or in the message of a fault. */
export const canary = `payload-${shared}`;

const awkwardText = [
  canary,
  `${canary}\r\n{"level":"error","event":"forged"}`,
  "\u0001\u001b[31m\u007f\u0085\u2028\u2029\ufeff",
  "'; drop table audit_log.events; --",
  "$1 %s %n {} \\N \\x00 \\u0000",
  "=1+1\r\n@SUM(A1)\t+1",
  "\u202eevil\u202c \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 e\u0301 \u00e9 \uffff",
  '{"a":"b\\"}',
  "NULL",
  "\t \r\n",
];

/** A JSON object inside every limit of `context`: its numbers are those that double precision and jsonb both keep. */
function context(): fc.Arbitrary<unknown> {
  const number = fc.oneof(
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((value) => Math.abs(value) < 1e-29 ? 0 : value),
    fc.constantFrom(0.1, 1e-29, 123456789.123456789, 9007199254740991, -9007199254740991, 4.35, 0.000001, 1e-7),
  );
  const key = fc.oneof(
    storableText(40),
    fc.constantFrom("", "a", "é", "e\u0301", "\ud83d\ude00", "\uffff", "toString", "hasOwnProperty", "10", "9", "__proto_"),
    // fast-check likes to generate the very names that are forbidden.
  ).map((text) => ["__proto__", "constructor", "prototype"].includes(text) ? `${text} ` : text);
  const { object } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small", withCrossShrink: true }, fc.boolean(), fc.constant(null), number, storableText(80), tie("list"), tie("object")),
    list: fc.array(tie("value"), { maxLength: 5 }),
    object: fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  }));
  return object as fc.Arbitrary<unknown>;
}

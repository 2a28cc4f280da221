import { type Schema, Validator } from "@cfworker/json-schema";
import { z } from "zod";
import type { EventError } from "./errors.ts";
import type { CandidateEvent } from "./event.ts";
import { limits } from "./limits.ts";

/** What a deployment says of an event type: what it means, and a JSON Schema (2020-12) that its context satisfies. */
type KnownType = { readonly description: string; readonly context: Validator | undefined };

/**
 * The event types that a deployment knows. `strict` refuses an event of another type or with another context, `warn` stores and counts it. Types of
 * the log itself (`audit.…`) are always known.
 */
export type Catalogue = {
  readonly mode: "strict" | "warn";
  /** What does not agree with the catalogue; undefined when all does. */
  judge(event: CandidateEvent): readonly EventError[] | undefined;
  /** What a type means; undefined for types that nobody described. */
  describe(eventType: string): string | undefined;
};

/** What the log writes itself, and what its client does. */
export const ownTypes: Readonly<Record<string, string>> = {
  "audit.events.viewed": "Somebody looked at events",
  "audit.events.export_started": "Somebody began an export",
  "audit.events.exported": "Somebody took events away",
  "audit.report.created": "Somebody made a report",
  "audit.key.created": "An admin made an API key",
  "audit.key.revoked": "An admin revoked an API key",
  "audit.member.granted": "The operator let a user in",
  "audit.limits.changed": "The operator set a tenant's quotas",
  "audit.event.deleted": "An admin softly deleted an event",
  "audit.hold.placed": "An admin placed a legal hold",
  "audit.hold.released": "An admin released a legal hold",
  "audit.retention.changed": "An admin set how long events are kept",
  "audit.archive.expired": "An archived day was deleted when its time was over",
  "audit.events.imported": "The operator took over another log",
  "audit.sdk.dropped": "A client gave up events before it could send them",
};

const fileSchema = z.strictObject({
  $schema: z.string().optional(),
  types: z.record(
    z.string().regex(/^[a-z0-9_.:/-]{1,100}$/),
    z.strictObject({ description: z.string().min(1).max(500), context: z.union([z.boolean(), z.record(z.string(), z.unknown())]).optional() }),
  ),
});

/** Parses a catalogue's file. Throws an Error that names the first place where it is not one, and repeats nothing of it. */
export function parseCatalogue(text: string, mode: Catalogue["mode"]): Catalogue {
  const types = new Map<string, KnownType>();
  for (const [name, { description, context }] of Object.entries(parsed(text).types)) types.set(name, { description, context: validatorOf(name, context) });
  return {
    mode,
    judge: (event) => {
      const type = event.event_type;
      const known = types.get(type);
      if (known !== undefined) return known.context === undefined ? undefined : contextFaults(known.context, event.context ?? {});
      if (type.startsWith("audit.")) return undefined;
      return [{ code: "unknown_event_type", pointer: "/event_type", message: "event_type is not in this deployment's catalogue of event types" }];
    },
    describe: (type) => types.get(type)?.description ?? describeOwn(type),
  };
}

/** What an event type of the log itself means. */
export function describeOwn(type: string): string | undefined {
  return Object.hasOwn(ownTypes, type) ? ownTypes[type] : undefined;
}

function parsed(text: string): z.output<typeof fileSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("read catalogue: it is not JSON");
  }
  const result = fileSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(
    `read catalogue: /${issue?.path.map(String).join("/") ?? ""}: ${
      issue?.code === "unrecognized_keys" ? "has keys that a catalogue does not know" : "is not valid"
    }`,
  );
}

/** A schema with a reference that leads nowhere is found at start, not at the first event. */
function validatorOf(name: string, schema: boolean | Record<string, unknown> | undefined): Validator | undefined {
  if (schema === undefined) return undefined;
  try {
    const validator = new Validator(schema as Schema | boolean, "2020-12", false);
    validator.validate({});
    return validator;
  } catch (cause) {
    throw new Error(`read catalogue: /types/${name}/context: is not a JSON Schema that can be used`, { cause });
  }
}

/** The schema's faults, said by its keywords: the validator's own words may repeat what was sent. */
function contextFaults(validator: Validator, context: unknown): readonly EventError[] | undefined {
  const { valid, errors } = validator.validate(context);
  if (valid) return undefined;
  // A fault below makes a fault of every schema around it: those that have one below are left out.
  const inner = errors.filter(({ keywordLocation }) => !errors.some((other) => other.keywordLocation.startsWith(`${keywordLocation}/`)));
  return inner.slice(0, limits.faultsPerEventMax).map(({ keyword, instanceLocation }) => ({
    code: "invalid_context" as const,
    pointer: pointerOf(instanceLocation),
    message: `context does not satisfy "${keyword}" of the schema that this deployment's catalogue has for the event_type`,
  }));
}

/** The validator writes `#/a/b`, with keys as in a URI; a key that is too long to repeat ends the pointer. */
function pointerOf(location: string): string {
  const keys = location.split("/").slice(1);
  const long = keys.findIndex((key) => key.length > limits.pointerKeyLengthMax);
  return ["/context", ...long === -1 ? keys : keys.slice(0, long)].join("/");
}

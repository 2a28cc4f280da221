import { validator } from "hono-openapi";
import type { z } from "zod";
import { AuditError } from "../core/errors.ts";
import type { ProblemDetail } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";

/** Query parameters by `schema`, or a problem that names every one that is wrong. */
export function query<Schema extends z.ZodType>(schema: Schema) {
  const known = "shape" in schema ? Object.keys(schema.shape as Record<string, unknown>) : [];
  return validator("query", schema, (result) => {
    if (!result.success) throw refusal(result.error as readonly z.core.$ZodIssue[], known, result.data as Readonly<Record<string, unknown>>);
  });
}

/** Path parameters by `schema`. */
export function path<Schema extends z.ZodType>(schema: Schema) {
  return validator("param", schema, (result) => {
    if (!result.success) throw refusal(result.error as readonly z.core.$ZodIssue[], []);
  });
}

/** Always passed as the validators' hook: without one the package answers with what was sent. */
function refusal(issues: readonly z.core.$ZodIssue[], known: readonly string[], given: Readonly<Record<string, unknown>> = {}): AuditError {
  const details = issues.flatMap((issue) => detailsOf(issue, known, given)).slice(0, 20);
  const isUnknown = issues.some((issue) => issue.code === "unrecognized_keys");
  const names = [...new Set(details.map(({ pointer }) => pointer))].join(", ");
  const [first] = details;
  const fault = details.length === 1 && first !== undefined ? sentence(first) : names;
  return new AuditError(isUnknown ? "unknown_parameter" : "invalid_parameter", `read parameters: ${fault}`, { details });
}

/** A fault at a position of a query speaks of what stands there, any other one of the parameter. */
function sentence({ pointer, message, position }: ProblemDetail): string {
  return position === undefined ? `${pointer} ${message}` : `${pointer}: ${message}`;
}

function detailsOf(issue: z.core.$ZodIssue, known: readonly string[], given: Readonly<Record<string, unknown>>): readonly ProblemDetail[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownParameter(key, known));
  const pointer = String(issue.path[0] ?? "");
  // A list is no value of any schema, whatever it says of the list.
  if (Array.isArray(given[pointer])) return [{ code: "invalid_value", pointer, message: "is given more than once; give it once" }];
  const place = issue.code === "custom" ? issue.params ?? {} : {};
  return [{ code: "invalid_value", pointer, message: issue.message, ...place }];
}

function unknownParameter(name: string, known: readonly string[]): ProblemDetail {
  const near = nearest(name, known);
  const others = known.length === 0 ? "this route takes all it needs from its body" : `known are ${known.join(", ")}`;
  const hint = near === undefined ? others : `did you mean ${near}?`;
  return { code: "unknown_parameter", pointer: printableName(name), message: "is not a parameter of this route", hint };
}

/** A parameter's name is the caller's text: it is repeated only when it looks like a name. */
export function printableName(name: string): string {
  return /^[A-Za-z0-9_.\[\]-]{1,64}$/.test(name) ? name : "(a name that is not one)";
}

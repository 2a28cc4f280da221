import { resolver } from "hono-openapi";
import type { z } from "zod";
import { readBody } from "../core/body.ts";
import { AuditError, type ProblemDetail } from "../core/errors.ts";
import { parseJson, requireJson } from "../core/json-body.ts";
import { limits } from "../core/limits.ts";
import { nearest } from "../core/nearest.ts";
import { printableName } from "./validate.ts";

/**
 * The JSON body of a small request by `schema`, counted while it arrives. Throws what is wrong with it: `invalid_request` names every fault by its
 * JSON Pointer and repeats no value. Call it after `requireScope`: a stranger's body is not even read.
 */
export async function bodyOf<Schema extends z.ZodObject>(request: Request, schema: Schema): Promise<z.output<Schema>> {
  requireJson(request.headers.get("content-type"));
  const bytes = await readBody(request, { bytesMax: limits.smallBodyBytesMax, timeoutMs: limits.bodyReadTimeoutMs });
  const body = parseJson(bytes, limits.smallBodyDepthMax);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new AuditError("invalid_request", "read body: it must be a JSON object", { pointer: "" });
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const details = result.error.issues.flatMap((issue) => detailsOf(issue, Object.keys(schema.shape))).slice(0, 20);
  const [first] = details;
  const said = details.length === 1 && first !== undefined ? `${first.pointer} ${first.message}` : details.map(({ pointer }) => pointer).join(", ");
  throw new AuditError("invalid_request", `read body: ${said}`, { details });
}

/** The body of an operation, for the OpenAPI document. */
export function bodyDescription(schema: z.ZodType) {
  return { required: true, content: { "application/json": { schema: resolver(schema, { io: "input" }) } } };
}

function detailsOf(issue: z.core.$ZodIssue, known: readonly string[]): readonly ProblemDetail[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean ${near}?`;
      return { code: "unknown_field", pointer: `/${printableName(key)}`, message: "is not a field of this request", hint };
    });
  }
  return [{ code: "invalid_value", pointer: issue.path.map((part) => `/${String(part)}`).join(""), message: issue.message }];
}

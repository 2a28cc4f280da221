import { AuditError } from "./errors.ts";

/**
 * What the operator's log says of an error. Our own messages hold no values, so they are logged; another's may quote what a caller sent (a driver's
 * does), so of those only the name, the code and the stack's frames are.
 */
export function faultRecord(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  const { code } = error as { readonly code?: unknown };
  return {
    error: error.name,
    ...(typeof code === "string" ? { code } : {}),
    ...(error instanceof AuditError ? { message: error.message } : { at: framesOf(error) }),
    ...(error.cause === undefined ? {} : { cause: faultRecord(error.cause) }),
  };
}

function framesOf(error: Error): readonly string[] {
  const stack = error.stack ?? "";
  // The stack begins with the message, whose lines may look like frames.
  const message = stack.indexOf(error.message);
  const lines = stack.slice(message === -1 ? 0 : message + error.message.length).split("\n").map((line) => line.trim());
  return lines.filter((line) => /^at .*:\d+:\d+\)?$/.test(line)).slice(0, 5);
}

import type { EventFields, EventInput } from "./event.ts";

/** The event of an operation while it runs: the function may add to it, for instance the id of what it created. */
export type OperationDraft = {
  -readonly [Field in keyof EventFields]: EventFields[Field];
};

const messageLengthMax = 1000;

/** The event that tells how an operation ended. What the function wrote into the draft wins, but for the result of a failure. */
export function operationEvent(info: EventInput, draft: OperationDraft, durationMs: number, failure?: { readonly error: unknown }): EventInput {
  const duration_ms = Math.max(0, Math.round(durationMs));
  if (failure === undefined) {
    return {
      ...info,
      ...draft,
      result: draft.result ?? "success",
      duration_ms,
    } as EventInput;
  }
  const error = errorDetails(failure.error);
  const context = { ...(draft.context ?? draft.extra_info), error };
  return {
    ...info,
    ...draft,
    result: "failure",
    duration_ms,
    message: draft.message ?? error.message,
    context,
    extra_info: undefined,
  } as EventInput;
}

/** Name, message and code of whatever was thrown: no stack, which would tell of the code rather than of the deed. */
export function errorDetails(error: unknown): { readonly name: string; readonly message: string; readonly code?: string } {
  const { name, message, code } = (typeof error === "object" && error !== null ? error : { message: error }) as Record<string, unknown>;
  return {
    name: typeof name === "string" ? name.slice(0, 100) : "Error",
    message: String(message ?? "").slice(0, messageLengthMax),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code).slice(0, 100) } : {}),
  };
}

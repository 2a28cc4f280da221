import { described } from "./errors.ts";
import type { EventFields, EventInput } from "./event.ts";

/** The event of an operation while it runs: the function may add to it, for instance the id of what it created. */
export type OperationDraft = { -readonly [Field in keyof EventFields]: EventFields[Field] };

/**
 * Runs `operation` and logs how it ended and how long it took; what the function wrote into its draft is logged, but for the result of a failure.
 * Auditing never makes an operation fail: what goes wrong with the event is counted, and told by `onRejected` and `onWarning`.
 */
export async function auditOperation<T>(
  info: EventInput,
  operation: (event: OperationDraft) => T | Promise<T>,
  log: (event: EventInput) => unknown,
  elapsedMs: () => number,
): Promise<T> {
  const startedAt = elapsedMs();
  const draft = {} as OperationDraft;
  try {
    Object.assign(draft, info);
  } catch {
    // What can be read of it is logged.
  }
  const tell = async (fields: Partial<OperationDraft>) => {
    try {
      await log({ ...draft, ...fields, duration_ms: Math.round(elapsedMs() - startedAt) } as EventInput);
    } catch {
      // Counted already.
    }
  };
  let value: T;
  try {
    value = await operation(draft);
  } catch (thrown) {
    // No stack, which would tell of the code rather than of the deed.
    const error = described(thrown);
    await tell({ result: "failure", message: draft.message ?? error.message, context: { ...draft.extra_info, ...draft.context, error } });
    throw thrown;
  }
  await tell({ result: draft.result ?? "success" });
  return value;
}

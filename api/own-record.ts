import type { Context } from "hono";
import { newIdentity, type OwnEvent, ownEventRow } from "../core/own-event.ts";
import type { EventRow } from "../core/ports.ts";
import { readerOf } from "./access.ts";
import type { ApiEnv, ApiParts } from "./context.ts";

/**
 * Makes the row of the event that tells of a change to the log itself: who made it, by which request. It is stored together with the change, or neither
 * is; so it says success.
 */
export function ownRecords(parts: ApiParts): (context: Context<ApiEnv>, tenantId: string, done: Omit<OwnEvent, "result">) => EventRow {
  const actor = readerOf(parts);
  return (context, tenantId, done) => ownEventRow(actor(context, tenantId), { ...done, result: "success" }, newIdentity(parts), parts);
}

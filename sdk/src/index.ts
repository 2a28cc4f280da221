/** Logs audit events without waiting, and loses none without counting it. */
export { createAuditClient } from "./client.ts";
export type { AuditClient, HighVolumeOptions, LogOptions, ObjectEvent } from "./client.ts";
export type { AuditClientOptions, AuditWarning } from "./options.ts";
export { retryTable } from "./delivery/retry-table.ts";
export type { AnswerStatus, RetryAction, RetryRule } from "./delivery/retry-table.ts";
export type { DoorName } from "./delivery/door.ts";
export type { Environment } from "./environment.ts";
export type { ExitOptions } from "./exit-environment.ts";
export { AuditConfigurationError, AuditDroppedError, AuditPendingError, AuditRejectedError } from "./errors.ts";
export type { DropReason, EventContext, EventFault, EventFields, EventInput, EventResult, EventStatus, LoggedEvent } from "./event.ts";
export type { CloseResult, FlushResult } from "./finish.ts";
export type { BulkResult } from "./log-many.ts";
export type { OperationDraft } from "./operation.ts";
export { fromRequest } from "./request-context.ts";
export type { RequestContextOptions, RequestLike } from "./request-context.ts";
export type { Runtime } from "./runtime.ts";
export type { Spool, SpooledEvent, SpoolHost, SpoolRecord, SpoolSession, SpoolStats } from "./spool-session.ts";
export type { AuditStats, LatencyPercentiles } from "./stats.ts";

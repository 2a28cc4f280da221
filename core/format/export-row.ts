import type { AuditEvent } from "../event.ts";

/** An event as exports and archives hold it: its own fields, its leaf hash (32 bytes), and its place in the tenant's tree once it is sealed. */
export type ExportRow = { readonly event: AuditEvent; readonly leafHash: Uint8Array; readonly logIndex: number | undefined };

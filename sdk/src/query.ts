/** Reads the audit log: lists, follows cursors, exports, streams. */
import { auditApiUrl } from "./options.ts";
import { AuditConfigurationError, AuditReceiptError } from "./errors.ts";
import type { Credential } from "./http-door.ts";
import { type Api, ask } from "./query/ask.ts";
import { exportFile, type ExportFormat, type ExportPart, exportParts } from "./query/export.ts";
import { type ProducerReport, producersOf } from "./query/producers.ts";
import type { EventFilter, StoredEvent } from "./query/stored-event.ts";
import { type StreamedEvent, streamEvents } from "./query/stream.ts";
import { platformRuntime, type Runtime } from "./runtime.ts";

export { AuditConfigurationError, AuditReceiptError } from "./errors.ts";
export { AuditApiError } from "./query/api-error.ts";
export type { ApiFault } from "./query/api-error.ts";
export type { ExportFormat, ExportPart } from "./query/export.ts";
export type { ProducerGap, ProducerReport } from "./query/producers.ts";
export type { EventFilter, StoredEvent } from "./query/stored-event.ts";
export type { StreamedEvent } from "./query/stream.ts";

/** Everything a reading client can be told. An address and a credential are needed. */
export type QueryClientOptions = {
  /** Root of the Supabase project, or of whatever serves `/api/v1/audit`. The environment is not read. */
  readonly url?: string;
  /** Root of the API service when it is elsewhere. */
  readonly apiUrl?: string;
  /** `aud_…` with the scope `read` or more. */
  readonly apiKey?: string;
  /** The current user's access token; asked before every request, with `refresh` after the service refused the last one. */
  readonly getToken?: Credential["getToken"];
  /** Needed when the credential is good for several tenants; a filter may name another. */
  readonly tenantId?: string;
  /** Recompute the leaf hash of every event read; an event whose fields do not give it throws AuditReceiptError. */
  readonly verifyReceipts?: boolean;
  /** How long to wait for the head of an answer; 30 s. */
  readonly timeoutMs?: number;
  /** How often a question is asked again after a fault that may pass; 3. */
  readonly retries?: number;
  /** Parts of the platform to replace: clock, timers, randomness, fetch. */
  readonly runtime?: Partial<Runtime>;
};

/** What every call may say. */
export type ReadOptions = {
  /** Ends the call: it rejects, and a stream ends. */
  readonly signal?: AbortSignal;
};
/** How events are put on pages. */
export type PageOptions = ReadOptions & {
  /** By time; `desc`, newest first, unless told otherwise. */
  readonly order?: "asc" | "desc";
  /** Events on a page, at most 1000; 100. */
  readonly limit?: number;
};

/** One page of a list. */
export type EventPage = {
  /** In the order asked for. */
  readonly events: readonly StoredEvent[];
  /** For the next page; absent on the last one. */
  readonly nextCursor: string | undefined;
  /** Everything acknowledged before this moment was taken into account. */
  readonly freshAsOf: string;
  /** Time ran out before the page was full: `nextCursor` goes on. */
  readonly partial: boolean;
};

/** Reads with the caller's rights. Every call rejects with AuditApiError when the API refuses, or does not answer after `retries`. */
export type QueryClient = {
  readonly events: {
    /** One page; `cursor` is `nextCursor` of the page before. `offset` skips events, at most 10,000; for deep pages use the cursor. */
    readonly list: (filter?: EventFilter, options?: PageOptions & { readonly cursor?: string; readonly offset?: number }) => Promise<EventPage>;
    /** Every event of the filter, page after page. */
    readonly iterate: (filter?: EventFilter, options?: PageOptions) => AsyncGenerator<StoredEvent>;
    /** Undefined when there is none. `at` is its `occurred_at`, needed for ids that are not of version 7. */
    readonly get: (id: string, options?: ReadOptions & { readonly at?: string | Date; readonly tenant_id?: string }) => Promise<StoredEvent | undefined>;
    /** The proof that an event is in the log, C2SP tlog-proof: `verifyReceipt` of `@audit-events/client/verify` checks it offline. */
    readonly receipt: (id: string, options?: ReadOptions & { readonly at?: string | Date; readonly tenant_id?: string }) => Promise<string>;
    /** The bytes of one file with every event of the filter; `ndjson` unless told otherwise. Throws AuditApiError `cut_short` when NDJSON was cut. */
    readonly export: (
      filter?: EventFilter,
      options?: ReadOptions & { readonly format?: ExportFormat; readonly order?: "asc" | "desc" },
    ) => AsyncGenerator<Uint8Array>;
    /** The same as the files that the service hands out: several from an Edge Function. Parquet needs this there, because its files cannot be joined. */
    readonly exportParts: (
      filter?: EventFilter,
      options?: ReadOptions & { readonly format?: ExportFormat; readonly order?: "asc" | "desc" },
    ) => AsyncGenerator<ExportPart>;
    /** New events as they are sealed, each once and in the log's order, over broken connections too; `after` is the `position` to resume after. */
    readonly stream: (filter?: EventFilter, options?: ReadOptions & { readonly after?: string }) => AsyncGenerator<StreamedEvent>;
  };
  /** Gaps in the counters of producers: losses before the log. */
  readonly producers: (window?: Pick<EventFilter, "tenant_id" | "from" | "to">, options?: ReadOptions) => Promise<readonly ProducerReport[]>;
};

/** A client for reading. Throws AuditConfigurationError when it lacks an address or a credential. */
export function createQueryClient(options: QueryClientOptions): QueryClient {
  if (options.url === undefined && options.apiUrl === undefined) throw new AuditConfigurationError("create query client: url or apiUrl: one of them is needed");
  if (options.apiKey === undefined && options.getToken === undefined) {
    throw new AuditConfigurationError("create query client: apiKey or getToken: one of them is needed");
  }
  const api: Api = {
    root: auditApiUrl(options),
    credential: { apiKey: options.apiKey, getToken: options.getToken },
    runtime: { ...platformRuntime, ...options.runtime },
    tenantId: options.tenantId,
    timeoutMs: options.timeoutMs ?? 30_000,
    retries: options.retries ?? 3,
    backoffBaseMs: 250,
    backoffCapMs: 30_000,
  };
  const checked = leafChecker(options.verifyReceipts === true);
  const events: QueryClient["events"] = {
    list: (filter = {}, { signal, ...page } = {}) => list(api, { ...filter, ...page }, checked, signal),
    iterate: (filter = {}, { signal, ...page } = {}) => iterate(api, { ...filter, ...page }, checked, signal),
    get: async (id, { signal, ...place } = {}) => {
      const body = await ask(api, `/events/${encodeURIComponent(id)}`, place, { signal }, (response) => response.json()).catch(
        (error: { readonly status?: number; readonly code?: string }) => {
          if (error.status === 404 && error.code === "not_found") return undefined;
          throw error;
        },
      );
      if (body === undefined) return undefined;
      const { event } = body as { readonly event: StoredEvent };
      await checked([event]);
      return event;
    },
    receipt: async (id, { signal, ...place } = {}) =>
      await ask(api, `/events/${encodeURIComponent(id)}/receipt`, place, { signal, headers: { accept: "*/*" } }, (response) => response.text()),
    export: (filter = {}, { signal, format = "ndjson", order } = {}) => exportFile(api, { ...filter, order }, format, signal),
    exportParts: (filter = {}, { signal, format = "ndjson", order } = {}) => exportParts(api, { ...filter, order }, format, signal),
    stream: (filter = {}, { signal, after } = {}) => checkedStream(streamEvents(api, filter, after, signal), checked),
  };
  return {
    events,
    producers: async (window = {}, { signal } = {}) => producersOf(await ask(api, "/producers", window, { signal }, (response) => response.json())),
  };
}

type LeafCheck = (events: readonly StoredEvent[]) => Promise<void>;

/** The verifier is a module of its own: who does not verify does not load it. */
function leafChecker(wanted: boolean): LeafCheck {
  return async (events) => {
    if (!wanted) return;
    const { hasItsLeafHash } = await import("./verify.ts");
    const wrong = events.find((event) => !hasItsLeafHash(event));
    if (wrong !== undefined) throw new AuditReceiptError(wrong.id);
  };
}

type ListParameters = EventFilter & { readonly order?: "asc" | "desc"; readonly limit?: number; readonly cursor?: string; readonly offset?: number };

async function list(api: Api, parameters: ListParameters, checked: LeafCheck, signal?: AbortSignal): Promise<EventPage> {
  const body = await ask(api, "/events", parameters, { signal }, (response) => response.json()) as {
    readonly events: readonly StoredEvent[];
    readonly next_cursor: string | null;
    readonly fresh_as_of: string;
    readonly partial?: boolean;
  };
  await checked(body.events);
  return { events: body.events, nextCursor: body.next_cursor ?? undefined, freshAsOf: body.fresh_as_of, partial: body.partial === true };
}

async function* iterate(api: Api, parameters: ListParameters, checked: LeafCheck, signal?: AbortSignal): AsyncGenerator<StoredEvent> {
  let cursor: string | undefined;
  do {
    const page = await list(api, { ...parameters, ...(cursor === undefined ? {} : { cursor }) }, checked, signal);
    yield* page.events;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function* checkedStream(events: AsyncGenerator<StreamedEvent>, checked: LeafCheck): AsyncGenerator<StreamedEvent> {
  for await (const streamed of events) {
    await checked([streamed.event]);
    yield streamed;
  }
}

import { type FileMetaData, parquetMetadata, parquetMetadataAsync, parquetRead } from "hyparquet";
import { ArchiveFault } from "./archive-fault.ts";
import { archiveColumnNames, archiveMetadataKey } from "./archive-file-writer.ts";
import type { AuditEvent } from "./event.ts";
import type { ExportRow } from "./format/export-row.ts";
import { limits } from "./limits.ts";

/** An event as an archive holds it: with its leaf, verbatim, its place in the tenant's tree, and the text of its context. */
export type ArchiveRow = ExportRow & { readonly leaf: string; readonly logIndex: number; readonly contextJson?: string | undefined };

/** Which file of which archive it is; stands in the file itself, so that a file that was put elsewhere says so. */
export type ArchiveFileName = { readonly tenantId: string; readonly day: string; readonly part: number };

/** Where a file's bytes come from: whole in memory, or a range at a time. */
export type ArchiveBytes = { readonly byteLength: number; slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer> };

/** Part of a file: the rows `start` (included) to `end` (excluded), between two times, both included. */
export type ArchiveGroup = {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly firstOccurredAt: string;
  readonly lastOccurredAt: string;
  /** Least and greatest text in a column, where the file keeps them; undefined for a column without values or without statistics. */
  range(column: string): { readonly min: string; readonly max: string } | undefined;
};

/** A file that was opened: its footer is read, no row of it yet. */
export type ArchiveFile = {
  readonly name: ArchiveFileName;
  readonly rows: number;
  readonly groups: readonly ArchiveGroup[];
  /** The rows of one group, in order of (occurred_at, id). */
  readGroup(group: ArchiveGroup): Promise<readonly ArchiveRow[]>;
};

/** Opens a file; throws ArchiveFault when it is not one of ours. */
export async function openArchiveFile(source: Uint8Array<ArrayBuffer> | ArchiveBytes): Promise<ArchiveFile> {
  const file = source instanceof Uint8Array ? inMemory(source) : source;
  try {
    const whole = source instanceof Uint8Array ? parquetMetadata(source.buffer.slice(source.byteOffset, source.byteOffset + source.byteLength)) : undefined;
    const metadata = whole ?? await parquetMetadataAsync(file, { initialFetchSize: limits.archivedWholeBytes });
    return { name: nameOf(metadata), rows: Number(metadata.num_rows), groups: groupsOf(metadata), readGroup: (group) => readGroup(file, metadata, group) };
  } catch (cause) {
    if (cause instanceof ArchiveFault) throw cause;
    throw new ArchiveFault("open archive file: footer: cannot be read", { cause });
  }
}

function inMemory(bytes: Uint8Array<ArrayBuffer>): ArchiveBytes {
  const slice = (start: number, end?: number) => bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + (end ?? bytes.byteLength));
  return { byteLength: bytes.byteLength, slice };
}

function nameOf(metadata: FileMetaData): ArchiveFileName {
  const text = metadata.key_value_metadata?.find(({ key }) => key === archiveMetadataKey)?.value;
  const { v, tenant_id: tenantId, date: day, part } = text === undefined ? {} : JSON.parse(text);
  if (v !== 1 || typeof tenantId !== "string" || typeof day !== "string" || typeof part !== "number") {
    throw new ArchiveFault("open archive file: metadata: does not name an archive of version 1");
  }
  return { tenantId, day, part };
}

function groupsOf(metadata: FileMetaData): ArchiveGroup[] {
  let start = 0;
  return metadata.row_groups.map((group, index) => {
    const range = (column: string): { readonly min: unknown; readonly max: unknown } | undefined => {
      const statistics = group.columns.find(({ meta_data: chunk }) => chunk?.path_in_schema[0] === column)?.meta_data?.statistics;
      const min = statistics?.min_value ?? statistics?.min;
      const max = statistics?.max_value ?? statistics?.max;
      return min === undefined || max === undefined ? undefined : { min, max };
    };
    const times = range("occurred_at");
    if (!(times?.min instanceof Date && times.max instanceof Date)) throw new ArchiveFault("open archive file: row group: does not say its times");
    const rows = { start, end: start += Number(group.num_rows) };
    const texts = (column: string) => {
      const found = range(column);
      return typeof found?.min === "string" && typeof found.max === "string" ? { min: found.min, max: found.max } : undefined;
    };
    return { index, ...rows, firstOccurredAt: times.min.toISOString(), lastOccurredAt: times.max.toISOString(), range: texts };
  });
}

const decoder = new TextDecoder();

/** Values as events hold them: times and UUIDs as text, JSON as the text that was written. */
const parsers = {
  timestampFromMilliseconds: (ms: bigint) => new Date(Number(ms)).toISOString(),
  uuidFromBytes: uuidText,
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
};

async function readGroup(file: ArchiveBytes, metadata: FileMetaData, group: ArchiveGroup): Promise<readonly ArchiveRow[]> {
  let read: readonly (readonly unknown[])[] = [];
  try {
    const onComplete = (rows: unknown[][]) => void (read = rows);
    await parquetRead({ file, metadata, rowStart: group.start, rowEnd: group.end, columns: [...archiveColumnNames], parsers, onComplete });
    return read.map(rowOf);
  } catch (cause) {
    if (cause instanceof Error && cause.name === "AuditError") throw cause;
    throw new ArchiveFault("read archive file: row group: cannot be read", { cause });
  }
}

/** In the order of `columns`. One shape for every row, absent fields as undefined: what builds a leaf looks for undefined, and one shape is read fastest. */
function rowOf(row: readonly unknown[]): ArchiveRow {
  const text = (at: number) => (row[at] ?? undefined) as string | undefined;
  const number = (at: number) => row[at] === null || row[at] === undefined ? undefined : Number(row[at]);
  const context = text(14);
  const event = {
    tenant_id: text(0),
    occurred_at: text(1),
    id: text(2),
    received_at: text(3),
    principal: text(4),
    source: text(5),
    actor_id: text(6),
    actor_type: text(7),
    event_type: text(8),
    object_type: text(9),
    object_id: text(10),
    result: text(11),
    message: text(12),
    duration_ms: number(13),
    context: context === undefined ? undefined : JSON.parse(context),
    ip_address: text(15),
    user_agent: text(16),
    device_fingerprint: text(17),
    request_id: text(18),
    producer_id: text(19),
    producer_seq: number(20),
  } as AuditEvent;
  return { event, leafHash: row[21] as Uint8Array, logIndex: Number(row[22]), leaf: text(23) ?? "", contextJson: context };
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function uuidText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const part = (from: number, to: number) => {
    let text = "";
    for (let at = from; at < to; at++) text += hexPairs[bytes[at] as number];
    return text;
  };
  return `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}-${part(8, 10)}-${part(10, 16)}`;
}

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { AuditError, type EventError } from "../../../core/errors.ts";
import { unguardCell } from "../../../core/format/csv.ts";
import { parseUuid } from "../../../core/format/uuid7.ts";
import type { ImportItem } from "../../../core/import.ts";
import { parseJson } from "../../../core/json-body.ts";
import { limits } from "../../../core/limits.ts";
import { isManifest } from "../../../sdk/src/query/export.ts";
import { type CloudTrailRecord, mapCloudTrailRecord } from "../../map-cloudtrail.ts";
import { CommandError } from "../failure.ts";
import { csvRecords } from "./csv.ts";
import { fileBytes, linesOf } from "./lines.ts";
import type { Mapper } from "./mapping.ts";
import type { ImportFormat, ImportSource } from "./source.ts";

/** A file, or a folder of CloudTrail files, to import. Its fingerprint is of its bytes: a file that has grown is another import, whose events are known. */
export async function openFiles(path: string, asked: ImportFormat | undefined, mapper: Mapper): Promise<ImportSource> {
  const isFolder = statSync(path).isDirectory();
  const format = asked ?? (isFolder ? "cloudtrail" : formatOf(path));
  if (isFolder && format !== "cloudtrail") {
    throw new CommandError("file_eisdir", `open ${path}: it is a folder`, "name one file; only CloudTrail comes as a folder");
  }
  const files = isFolder ? trailFiles(path) : [path];
  if (files.length === 0) {
    throw new CommandError("nothing_to_import", `open ${path}: it holds no .json or .json.gz file`, "name the folder that the CloudTrail files are in");
  }
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  let read = 0;
  const count = (bytes: number) => void (read += bytes);
  return {
    format,
    name: basename(path),
    fingerprint: await hashOf(files),
    origin: "",
    items: (place) => {
      read = 0;
      if (format === "cloudtrail") return cloudTrailItems(files, place, mapper, count);
      const skip = Number(place ?? 0);
      return format === "csv" ? csvItems(path, skip, mapper, count) : ndjsonItems(path, skip, mapper, count);
    },
    expected: (done) => read === 0 ? 0 : Math.max(done, Math.round(done * size / read)),
    close: () => Promise.resolve(),
  };
}

/** As S3 holds them, in folders by account, region and day. Digests lie beside them, and hold no records. */
function trailFiles(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.json(\.gz)?$/.test(name) && !name.includes("CloudTrail-Digest")).sort().map((name) => join(folder, name));
}

function formatOf(path: string): ImportFormat {
  const ending = /\.(ndjson|jsonl|csv|tsv|json)(\.gz)?$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === "csv" || ending === "tsv") return "csv";
  if (ending === "ndjson" || ending === "jsonl") return "ndjson";
  if (ending === "json") return "cloudtrail";
  throw new CommandError("unknown_format", `choose format: the name ${basename(path)} tells none`, "give --format ndjson, csv or cloudtrail");
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    for await (const chunk of fileBytes(file)) hash.update(chunk);
    hash.update("\0");
  }
  return hash.digest("hex");
}

/** Bytes of one line: an event's leaf and room for the spelling of others. */
const lineBytesMax = 1 << 20;
const tooLong: EventError = { code: "too_long", pointer: "", message: `the record must not have more than ${lineBytesMax} bytes` };

async function* ndjsonItems(file: string, skip: number, mapper: Mapper, count: (bytes: number) => void): AsyncGenerator<ImportItem> {
  for await (const { number, bytes } of linesOf(fileBytes(file, count), lineBytesMax)) {
    if (number <= skip) continue;
    const head = { place: String(number), label: `line ${number}` };
    if (bytes === undefined) yield { ...head, errors: [tooLong] };
    else if (bytes.some((byte) => byte > 0x20)) {
      const record = readJson(bytes);
      if ("errors" in record) yield { ...head, ...record };
      else if (!isManifest(new TextDecoder().decode(bytes.subarray(0, 40)))) yield { ...head, event: mapper.map(record.value) };
    }
  }
}

function readJson(bytes: Uint8Array): { readonly value: Record<string, unknown> } | { readonly errors: readonly EventError[] } {
  try {
    const value = parseJson(bytes, limits.bodyDepthMax);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { value: value as Record<string, unknown> };
    return { errors: [{ code: "invalid_type", pointer: "", message: "the record must be a JSON object" }] };
  } catch (fault) {
    if (!(fault instanceof AuditError)) throw fault;
    return { errors: [{ code: "invalid_value", pointer: "", message: fault.message.replace("parse body: it", "the record") }] };
  }
}

async function* csvItems(file: string, skip: number, mapper: Mapper, count: (bytes: number) => void): AsyncGenerator<ImportItem> {
  let header: readonly string[] | undefined;
  let isOurs = false;
  let number = 0;
  for await (const { line, cells, broken } of csvRecords(fileBytes(file, count), await separatorOf(file))) {
    if (header === undefined) {
      header = cells.map((cell, at) => (at === 0 ? cell.replace(/^\ufeff/, "") : cell).trim());
      if (new Set(header).size < header.length) {
        throw new CommandError("invalid_header", `read ${file}: two columns have the same name`, "give each its own in the first line");
      }
      // Our own exports guard cells that a spreadsheet would run.
      isOurs = header.includes("leaf_hash") && header.includes("received_at");
      continue;
    }
    if (++number <= skip) continue;
    const head = { place: String(number), label: `line ${line}` };
    if (broken || cells.length !== header.length) {
      const message = broken ? "the record has a quotation mark where none may be" : `the record has ${cells.length} fields, the first line ${header.length}`;
      yield { ...head, errors: [{ code: "invalid_value", pointer: "", message }] };
      continue;
    }
    // JSON is guarded by escapes, which are the same value: what looks like a guard there is text.
    const isGuarded = (name: string) => isOurs && name !== "context";
    const entries = header.map((name, at) => [name, cells[at] === "" ? null : isGuarded(name) ? unguardCell(cells[at] as string) : cells[at]] as const);
    yield { ...head, event: mapper.map(Object.fromEntries(entries)) };
  }
}

/** What divides the fields of the first line: a comma, unless none is there; spreadsheets of many countries write semicolons, databases tabulators. */
async function separatorOf(file: string): Promise<string> {
  for await (const { cells } of csvRecords(fileBytes(file))) {
    return cells.length > 1 ? "," : [";", "\t"].find((mark) => cells[0]?.includes(mark)) ?? ",";
  }
  return ",";
}

/** Places are `<file>:<records of it>`, by the files' order: those before are not read again. */
async function* cloudTrailItems(
  files: readonly string[],
  place: string | undefined,
  mapper: Mapper,
  count: (bytes: number) => void,
): AsyncGenerator<ImportItem> {
  const [firstFile = 0, firstRecord = 0] = (place ?? "").split(":").map(Number);
  for (const [at, file] of files.entries()) {
    if (at < firstFile) {
      count(statSync(file).size);
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of fileBytes(file, count)) chunks.push(chunk);
    const records = recordsOf(Buffer.concat(chunks));
    const name = basename(file);
    if (records === undefined) {
      yield { place: `${at}:1`, label: name, errors: [{ code: "invalid_value", pointer: "", message: "the file is not JSON with Records" }] };
    }
    for (const [index, record] of (records ?? []).entries()) {
      if (at === firstFile && index < firstRecord) continue;
      yield { place: `${at}:${index + 1}`, label: `${name} record ${index + 1}`, ...cloudTrailEvent(record, mapper) };
    }
  }
}

function recordsOf(bytes: Uint8Array): readonly unknown[] | undefined {
  try {
    const { Records } = Object(parseJson(bytes, limits.bodyDepthMax));
    return Array.isArray(Records) ? Records : undefined;
  } catch {
    return undefined;
  }
}

function cloudTrailEvent(record: unknown, mapper: Mapper): { readonly event: Record<string, unknown> } | { readonly errors: readonly EventError[] } {
  const { eventID, eventTime, eventSource, eventName } = Object(record);
  const isRecord = [eventID, eventTime, eventSource, eventName].every((field) => typeof field === "string") && !Number.isNaN(Date.parse(eventTime));
  if (!isRecord || parseUuid(eventID) === undefined) {
    return { errors: [{ code: "invalid_value", pointer: "", message: "the record lacks eventID, eventTime, eventSource or eventName" }] };
  }
  const { tenant_id: _, ...event } = mapCloudTrailRecord(withIdentity(record as CloudTrailRecord), "", 0);
  for (const [field, value] of Object.entries(event)) if (value !== undefined) mapper.note(cloudTrailNames[field] ?? field, field);
  return { event };
}

/** Events of a service itself have no identity in some old files. */
function withIdentity(record: CloudTrailRecord): CloudTrailRecord {
  return Object(record.userIdentity) === record.userIdentity ? record : { ...record, userIdentity: {} };
}

const cloudTrailNames: Readonly<Record<string, string>> = {
  id: "eventID",
  occurred_at: "eventTime",
  source: "eventSource",
  event_type: "eventSource, eventName",
  actor_id: "userIdentity.arn",
  actor_type: "userIdentity.type",
  object_type: "resources[0].type",
  object_id: "resources[0].ARN",
  result: "errorCode",
  message: "errorMessage",
  ip_address: "sourceIPAddress",
  user_agent: "userAgent",
  request_id: "requestID",
  context: "(everything else)",
};

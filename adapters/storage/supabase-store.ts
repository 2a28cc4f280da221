import { createClient } from "@supabase/supabase-js";
import { AuditError } from "../../core/errors.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import { assertObjectKey } from "./object-key.ts";

const requestTimeoutMs = 60_000;
const listPageKeys = 1000;
const listPagesMax = 10_000;

/**
 * An archive in a private bucket of Supabase Storage, with the project's secret key. Uploads never overwrite (`upsert: false`); Storage has no object
 * lock and no versions, so what is read back is checked by the caller against signed checkpoints, not believed.
 */
export function createSupabaseStore(
  options: { readonly url: string; readonly secretKey: string; readonly bucket: string; readonly fetch?: typeof fetch },
): ArchiveStore {
  const fetchOf = options.fetch ?? fetch;
  const timedFetch: typeof fetch = (input, init) => fetchOf(input, { ...init, signal: init?.signal ?? AbortSignal.timeout(requestTimeoutMs) });
  const client = createClient(options.url, options.secretKey, { auth: { persistSession: false, autoRefreshToken: false }, global: { fetch: timedFetch } });
  const bucket = () => client.storage.from(options.bucket);
  return {
    async put(key, bytes) {
      assertObjectKey(key);
      const { error } = await bucket().upload(key, bytes, { upsert: false, contentType: contentTypeOf(key), cacheControl: "31536000" });
      if (error === null) return "stored";
      if (statusOf(error) === 409) return "exists";
      throw unavailable("write object", error);
    },
    async get(key) {
      assertObjectKey(key);
      return await readFaultsAreUnavailable(async () => {
        // A fresh query string each time: a CDN's copy must not stand in for what is stored.
        const { data, error } = await bucket().download(key, { cacheNonce: crypto.randomUUID() });
        if (error === null) return new Uint8Array(await data.arrayBuffer());
        if (isMissing(error)) return undefined;
        throw unavailable("read object", error);
      });
    },
    async getRange(key, start, end) {
      assertObjectKey(key);
      return await readFaultsAreUnavailable(() => rangeOf(options, timedFetch, key, start, end));
    },
    async size(key) {
      assertObjectKey(key);
      const { data, error } = await bucket().info(key);
      if (error === null) return data.size;
      if (isMissing(error)) return undefined;
      throw unavailable("size object", error);
    },
    list: (prefix, { after = "", limit = listPageKeys } = {}) => listKeys(bucket, prefix, after, limit),
    async remove(key) {
      assertObjectKey(key);
      const { error } = await bucket().remove([key]);
      if (error !== null && !isMissing(error)) throw unavailable("remove object", error);
    },
  };
}

type Bucket = ReturnType<ReturnType<typeof createClient>["storage"]["from"]>;

/** The client library has no ranges: this is its download request with a Range header (RFC 9110 section 14.2). */
async function rangeOf(options: { url: string; secretKey: string; bucket: string }, send: typeof fetch, key: string, start: number, end: number) {
  if (end <= start) return new Uint8Array(0);
  const headers = { apikey: options.secretKey, authorization: `Bearer ${options.secretKey}`, range: `bytes=${start}-${end - 1}` };
  const response = await send(`${options.url}/storage/v1/object/authenticated/${options.bucket}/${key}`, { headers });
  if (response.status === 206) return new Uint8Array(await response.arrayBuffer());
  if (response.status === 200) return new Uint8Array(await response.arrayBuffer()).subarray(start, end);
  const text = await response.text();
  if (response.status === 416) return new Uint8Array(0);
  if (response.status === 404 || (response.status === 400 && /not.?found/i.test(text))) return undefined;
  throw unavailable("read object", { status: response.status });
}

/** An answer may break off in its body, which neither the client library nor fetch makes a fault of the store. */
async function readFaultsAreUnavailable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof AuditError ? error : unavailable("read object", error);
  }
}

async function listKeys(bucket: () => Bucket, prefix: string, after: string, limit: number): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < listPagesMax; page++) {
    const { data, error } = await bucket().listV2({ prefix, limit: listPageKeys, with_delimiter: false, ...(cursor === undefined ? {} : { cursor }) });
    if (error !== null) throw unavailable("list objects", error);
    for (const object of data.objects) {
      const key = object.key ?? object.name;
      if (key > after && keys.length < limit) keys.push(key);
    }
    if (!data.hasNext || data.nextCursor === undefined || keys.length >= limit) return keys;
    cursor = data.nextCursor;
  }
  throw new AuditError("unavailable", `list objects: more than ${listPagesMax} pages below the prefix`);
}

/** Storage answers 400 for much and puts the status it means into the body's `statusCode`. */
function statusOf(error: object): number | undefined {
  const { statusCode, status } = error as { statusCode?: unknown; status?: unknown };
  const meant = Number(statusCode);
  if (Number.isInteger(meant) && meant > 0) return meant;
  return typeof status === "number" ? status : undefined;
}

function isMissing(error: object): boolean {
  return statusOf(error) === 404 || (error instanceof Error && /not.?found/i.test(error.message));
}

function unavailable(action: string, error: unknown): AuditError {
  const status = typeof error === "object" && error !== null ? statusOf(error) : undefined;
  return new AuditError("unavailable", `${action}: Supabase Storage answered ${status ?? "nothing"}`, { cause: error, retryAfterSeconds: 30 });
}

function contentTypeOf(key: string): string {
  if (key.endsWith(".json")) return "application/json";
  if (key.endsWith(".parquet")) return "application/vnd.apache.parquet";
  return "application/octet-stream";
}

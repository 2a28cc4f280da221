import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What an upload or a read does wrong, once for each time it stands here; see `faults`. */
export type StorageFault = "refuse" | "break" | "store-other-bytes" | "lose" | "stale" | "slow" | "stored-but-unanswered";

/** The endpoints of Supabase Storage that our store uses, in memory, with faults to order. It checks the key it is called with. */
export type StorageDouble = {
  readonly url: string;
  readonly objects: Map<string, Uint8Array>;
  readonly faults: { upload: StorageFault[]; download: StorageFault[] };
  readonly requests: string[];
  stop(): Promise<void>;
};

export const storageSecretKey = "sb_secret_storage_double_0123456789";

export async function startStorageDouble(bucket: string): Promise<StorageDouble> {
  const objects = new Map<string, Uint8Array>();
  const faults: StorageDouble["faults"] = { upload: [], download: [] };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handle(request, response, bucket, objects, faults).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects, faults, requests, stop };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  bucket: string,
  objects: Map<string, Uint8Array>,
  faults: StorageDouble["faults"],
): Promise<void> {
  const body = await bodyOf(request);
  if (request.headers.apikey !== storageSecretKey) return answer(response, 401, "401", "Invalid API key");
  const url = new URL(request.url ?? "/", "http://double");
  const path = decodeURIComponent(url.pathname).replace(/^\/storage\/v1\/object\//, "");
  if (request.method === "POST" && path === `list-v2/${bucket}`) return list(response, objects, JSON.parse(body.toString()));
  if (request.method === "DELETE" && path === bucket) return remove(response, objects, JSON.parse(body.toString()));
  if (request.method === "POST" && path.startsWith(`${bucket}/`)) {
    return upload(response, objects, path.slice(bucket.length + 1), uploaded(request, body), faults.upload.shift());
  }
  const key = path.replace(/^(info\/|authenticated\/)/, "").slice(bucket.length + 1);
  const object = objects.get(key);
  if (request.method !== "GET" || !path.includes(`${bucket}/`)) return answer(response, 404, "404", "Bucket not found");
  if (path.startsWith("info/")) return object === undefined ? notFound(response) : json(response, 200, { name: key, size: object.length });
  return download(response, object, request.headers.range, faults.download.shift());
}

async function upload(
  response: ServerResponse,
  objects: Map<string, Uint8Array>,
  key: string,
  bytes: Uint8Array,
  fault: StorageFault | undefined,
): Promise<void> {
  if (fault === "refuse") return answer(response, 503, "503", "Service unavailable");
  if (fault === "break") return void response.destroy();
  if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, 300));
  if (objects.has(key)) return answer(response, 400, "409", "The resource already exists");
  if (fault === "store-other-bytes") objects.set(key, bytes.map((byte, index) => index === bytes.length >> 1 ? byte ^ 1 : byte));
  else if (fault !== "lose") objects.set(key, bytes);
  if (fault === "stored-but-unanswered") return void response.destroy();
  return json(response, 200, { Id: crypto.randomUUID(), Key: key });
}

function download(response: ServerResponse, object: Uint8Array | undefined, range: string | undefined, fault: StorageFault | undefined): void {
  if (fault === "refuse") return answer(response, 503, "503", "Service unavailable");
  if (fault === "break") return void response.destroy();
  if (object === undefined || fault === "stale") return notFound(response);
  const wanted = range === undefined ? null : /^bytes=(\d+)-(\d+)$/.exec(range);
  if (wanted === null) return void response.writeHead(200, { "content-type": "application/octet-stream" }).end(object);
  const start = Number(wanted[1]);
  if (start >= object.length) return answer(response, 416, "416", "Range not satisfiable");
  response.writeHead(206, { "content-type": "application/octet-stream" }).end(object.subarray(start, Number(wanted[2]) + 1));
}

function list(response: ServerResponse, objects: Map<string, Uint8Array>, wanted: { prefix?: string; limit?: number; cursor?: string }): void {
  const keys = [...objects.keys()].filter((key) => key.startsWith(wanted.prefix ?? "")).sort().filter((key) =>
    wanted.cursor === undefined || key > wanted.cursor
  );
  const page = keys.slice(0, wanted.limit ?? 1000);
  const hasNext = page.length < keys.length;
  json(response, 200, { hasNext, folders: [], objects: page.map((key) => ({ name: key, key })), ...(hasNext ? { nextCursor: page.at(-1) } : {}) });
}

function remove(response: ServerResponse, objects: Map<string, Uint8Array>, wanted: { prefixes: string[] }): void {
  json(response, 200, wanted.prefixes.filter((key) => objects.delete(key)).map((name) => ({ name })));
}

/** A Blob arrives as multipart form data, bytes as they are. */
function uploaded(request: IncomingMessage, body: Buffer): Uint8Array {
  const boundary = /boundary=(.+)$/.exec(request.headers["content-type"] ?? "")?.[1];
  if (boundary === undefined) return new Uint8Array(body);
  const start = body.lastIndexOf("\r\n\r\n", body.lastIndexOf(`--${boundary}--`)) + 4;
  return new Uint8Array(body.subarray(start, body.lastIndexOf(`\r\n--${boundary}--`)));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function notFound(response: ServerResponse): void {
  answer(response, 400, "404", "Object not found");
}

function answer(response: ServerResponse, status: number, statusCode: string, message: string): void {
  json(response, status, { statusCode, error: message, message });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

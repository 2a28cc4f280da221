import { AuditError } from "./errors.ts";

/** How much of a body is read and how long is waited for it. `arrived` hears of every decoded chunk and may throw; `lost` ends the reading. */
export type BodyLimits = {
  readonly bytesMax: number;
  readonly timeoutMs: number;
  readonly arrived?: (bytes: number) => void;
  readonly lost?: AbortSignal;
};

// Deno decodes a whole chunk at once: one chunk of 1 MB became 1 GiB. A slice grows at most a thousandfold before the count stops it.
const compressedSliceBytes = 4096;

/**
 * The decoded bytes of a request's body, counted while they arrive: `Content-Length` only refuses early, it is never believed. Codings are gzip,
 * deflate and none. Throws `unsupported_media_type`, `body_too_large`, `request_timeout`, and `invalid_request` when it ends early or does not decode.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  const coding = codingOf(request.headers.get("content-encoding"));
  if (Number(request.headers.get("content-length")) > limits.bytesMax) throw tooLarge(limits);
  if (request.body === null) return new Uint8Array(0);
  const decoded = coding === undefined
    ? request.body
    : request.body.pipeThrough(countBytes(limits)).pipeThrough(slices()).pipeThrough(new DecompressionStream(coding) as Pair);
  return await collect(decoded.getReader(), limits);
}

type Bytes = Uint8Array<ArrayBuffer>;
type Pair = ReadableWritablePair<Bytes, Bytes>;

async function collect(reader: ReadableStreamDefaultReader<Bytes>, limits: BodyLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut(limits)), limits.timeoutMs);
    limits.lost?.addEventListener("abort", () => reject(limits.lost?.reason));
  });
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return joined(chunks, length);
      length += value.byteLength;
      if (length > limits.bytesMax) throw tooLarge(limits);
      limits.arrived?.(value.byteLength);
      chunks.push(value);
    }
  } catch (error) {
    // What is left of the body is of no use; an error of the cancelling itself neither.
    reader.cancel(error).catch(() => undefined);
    if (error instanceof AuditError) throw error;
    throw new AuditError("invalid_request", "read body: it ended early or is not in the encoding that Content-Encoding names", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** Stops a body whose encoded form alone is too large: an encoding that makes it larger buys no room. */
function countBytes(limits: BodyLimits): TransformStream<Bytes, Bytes> {
  let length = 0;
  return new TransformStream({
    transform(chunk, controller) {
      length += chunk.byteLength;
      if (length > limits.bytesMax) controller.error(tooLarge(limits));
      else controller.enqueue(chunk);
    },
  });
}

function slices(): TransformStream<Bytes, Bytes> {
  return new TransformStream({
    transform(chunk, controller) {
      for (let start = 0; start < chunk.byteLength; start += compressedSliceBytes) controller.enqueue(chunk.subarray(start, start + compressedSliceBytes));
    },
  });
}

function codingOf(header: string | null): "gzip" | "deflate" | undefined {
  const coding = (header ?? "identity").trim().toLowerCase();
  if (coding === "identity" || coding === "") return undefined;
  if (coding === "gzip" || coding === "x-gzip") return "gzip";
  if (coding === "deflate") return "deflate";
  throw new AuditError("unsupported_media_type", "read body: Content-Encoding must be gzip, deflate or absent");
}

function tooLarge(limits: BodyLimits): AuditError {
  return new AuditError(
    "body_too_large",
    `read body: it has more than ${limits.bytesMax} bytes after decoding; send a smaller one, such as fewer events at once`,
  );
}

function timedOut(limits: BodyLimits): AuditError {
  return new AuditError("request_timeout", `read body: it did not arrive within ${limits.timeoutMs} ms; send the request again`, { retryAfterSeconds: 1 });
}

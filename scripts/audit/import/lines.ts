import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { CommandError } from "../failure.ts";

/** Bytes of a file, unpacked when its name says that it is packed. `onRead` is told how many bytes of the file were read. Throws `broken_gzip` for one that was cut. */
export async function* fileBytes(file: string, onRead: (bytes: number) => void = () => {}): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(file, { highWaterMark: 1 << 18 });
  raw.on("data", (chunk) => onRead(chunk.length));
  if (!file.endsWith(".gz")) return yield* raw;
  const unpacked = createGunzip();
  raw.once("error", (fault) => unpacked.destroy(fault));
  try {
    yield* raw.pipe(unpacked);
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    if (!code.startsWith("Z_")) throw cause;
    throw new CommandError("broken_gzip", `unpack ${file}: ${message}`, "fetch it again if it was cut; if it is not packed, take .gz off its name", cause);
  } finally {
    raw.destroy();
  }
}

/** A line without its end; `bytes` is undefined when it is longer than `bytesMax`. Numbers begin with 1. */
export type Line = { readonly number: number; readonly bytes: Uint8Array | undefined };

/** Lines end with a line feed alone: JSON may hold U+2028 in a string. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let number = 1;
  const add = (part: Uint8Array) => {
    size += part.length;
    // What is too long is not kept, only passed over.
    if (size <= bytesMax) parts.push(part);
  };
  const take = (): Line => {
    const line = { number: number++, bytes: size > bytesMax ? undefined : parts.length === 1 ? parts[0] as Uint8Array : Buffer.concat(parts) };
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (size > 0) yield take();
}

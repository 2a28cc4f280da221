import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readBody } from "./body.ts";
import { AuditError } from "./errors.ts";

const bytesMax = 4 * 1024 * 1024;
const limits = { bytesMax, timeoutMs: 5_000 };

/** A request whose body comes in the given chunks; counts what was taken. */
function streamed(chunks: Iterable<Uint8Array>, headers: Record<string, string> = {}) {
  const iterator = chunks[Symbol.iterator]();
  const taken = { bytes: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) return controller.close();
      taken.bytes += value.byteLength;
      controller.enqueue(value);
    },
    cancel() {
      taken.cancelled = true;
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, headers, duplex: "half" };
  return { request: new Request("http://x/", init), taken };
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield new Uint8Array(bytes.subarray(start, start + size));
}

function* endless(): Generator<Uint8Array> {
  while (true) yield new Uint8Array(65_536);
}

async function codeOf(reading: Promise<unknown>): Promise<string | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return error.code;
  }
}

describe("readBody()", () => {
  it("gives the bytes of a body in one chunk, in many, and in none", async () => {
    const bytes = randomBytes(100_000);
    for (const size of [1_000_000, 4096, 7]) expect(Buffer.compare(await readBody(streamed(pieces(bytes, size)).request, limits), bytes)).toBe(0);
    expect(await readBody(new Request("http://x/", { method: "POST" }), limits)).toHaveLength(0);
    expect(await readBody(streamed([]).request, limits)).toHaveLength(0);
  });

  it("takes a body of exactly the limit and refuses one byte more, however it is cut", async () => {
    for (const size of [bytesMax + 1, 65_536]) {
      expect(await readBody(streamed(pieces(new Uint8Array(bytesMax), size)).request, limits)).toHaveLength(bytesMax);
      expect(await codeOf(readBody(streamed(pieces(new Uint8Array(bytesMax + 1), size)).request, limits))).toBe("body_too_large");
    }
  });

  it("stops an endless body soon after the limit, and cancels it", async () => {
    const { request, taken } = streamed(endless());
    expect(await codeOf(readBody(request, limits))).toBe("body_too_large");
    expect(taken.bytes).toBeLessThan(bytesMax + 10 * 65_536);
    await expect.poll(() => taken.cancelled).toBe(true);
  });

  it("refuses by Content-Length before it reads, and does not believe a small one", async () => {
    const large = streamed(endless(), { "content-length": String(bytesMax + 1) });
    expect(await codeOf(readBody(large.request, limits))).toBe("body_too_large");
    expect(large.taken.bytes).toBeLessThanOrEqual(65_536);
    expect(await codeOf(readBody(streamed(endless(), { "content-length": "10" }).request, limits))).toBe("body_too_large");
    expect(await readBody(streamed(pieces(new Uint8Array(10), 10), { "content-length": "nonsense" }).request, limits)).toHaveLength(10);
  });

  it("refuses a body that stops arriving, and one that trickles", async () => {
    const stuck = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
    const trickle = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        controller.enqueue(new Uint8Array(1));
      },
    });
    for (const body of [stuck, trickle]) {
      const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
      expect(await codeOf(readBody(new Request("http://x/", init), { bytesMax, timeoutMs: 50 }))).toBe("request_timeout");
    }
  });

  it("says that a body ended early when its connection broke", async () => {
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new TypeError("connection reset")) });
    const init: RequestInit & { duplex: "half" } = { method: "POST", body: broken, duplex: "half" };
    expect(await codeOf(readBody(new Request("http://x/", init), limits))).toBe("invalid_request");
  });
});

describe("readBody() of an encoded body", () => {
  const text = Buffer.from(JSON.stringify({ events: Array.from({ length: 1000 }, (_, index) => ({ event_type: `t${index}` })) }));

  it.each([["gzip", gzipSync(text)], ["GZIP", gzipSync(text)], ["x-gzip", gzipSync(text)], ["deflate", deflateSync(text)], ["identity", text], ["", text]])(
    "decodes %j",
    async (coding, bytes) => {
      for (const size of [bytes.length, 100]) {
        expect(Buffer.compare(await readBody(streamed(pieces(bytes, size), { "content-encoding": coding }).request, limits), text)).toBe(0);
      }
    },
  );

  it.each(["br", "zstd", "compress", "gzip, gzip", "deflate-raw", "*"])("refuses %s", async (coding) => {
    expect(await codeOf(readBody(streamed([gzipSync(text)], { "content-encoding": coding }).request, limits))).toBe("unsupported_media_type");
  });

  it.each([
    ["bytes that are not gzip", text],
    ["a truncated stream", gzipSync(text).subarray(0, -12)],
    ["a wrong checksum", Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8)])],
    ["a raw deflate stream", deflateRawSync(text)],
    ["nothing at all", new Uint8Array(0)],
  ])("refuses %s", async (_what, bytes) => {
    expect(await codeOf(readBody(streamed(pieces(bytes, 1000), { "content-encoding": "gzip" }).request, limits))).toBe("invalid_request");
  });

  it("counts decoded bytes: exactly the limit passes, one more does not", async () => {
    const of = (length: number) => streamed([gzipSync(new Uint8Array(length))], { "content-encoding": "gzip" }).request;
    expect(await readBody(of(bytesMax), limits)).toHaveLength(bytesMax);
    expect(await codeOf(readBody(of(bytesMax + 1), limits))).toBe("body_too_large");
  });

  it.each(["bin/deno", "deno-2.1.4/deno"])("does not let one chunk of 256 KiB become 256 MiB on Deno: %s", async (deno) => {
    const path = (from: string) => fileURLToPath(new URL(`../${from}`, import.meta.url));
    const program = [path("node_modules/" + deno.replace("bin/", ".bin/")), [
      "run",
      "--allow-read",
      "--allow-env",
      "--allow-sys",
      path("test/support/read-bomb.ts"),
    ]] as const;
    const { code, grownBytes } = JSON.parse((await promisify(execFile)(...program)).stdout);
    expect(code).toBe("body_too_large");
    expect(grownBytes).toBeLessThan(64 * 1024 * 1024);
  });

  it("bounds the encoded form as well", async () => {
    const noise = gzipSync(randomBytes(bytesMax), { level: 0 });
    expect(noise.length).toBeGreaterThan(bytesMax);
    expect(await codeOf(readBody(streamed(pieces(noise, 65_536), { "content-encoding": "gzip" }).request, limits))).toBe("body_too_large");
  });
});

describe("readBody() of a body whose room is lost", () => {
  it("ends at once, with the reason", async () => {
    const losing = new AbortController();
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
    const request = new Request("http://x/", { method: "POST", body, duplex: "half" } as RequestInit);
    const reading = readBody(request, {
      bytesMax: 10,
      timeoutMs: 60_000,
      lost: losing.signal,
      arrived: () => losing.abort(new AuditError("unavailable", "gone")),
    });
    await expect(reading).rejects.toMatchObject({ code: "unavailable", message: "gone" });
  });
});

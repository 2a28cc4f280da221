import process from "node:process";
import { readBody } from "../../core/body.ts";

/*
 * A program for Deno, whose DecompressionStream decodes a chunk whole: reads a body of 256 MiB that came as one gzip chunk of 256 KiB, and prints the
 * fault's code and how many bytes the process grew.
 */
const zeros = new Uint8Array(1024 * 1024);
let left = 256;
const plain = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: (controller) => left-- > 0 ? controller.enqueue(zeros) : controller.close() });
const bomb = new Uint8Array(await new Response(plain.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
const request = new Request("http://x/", { method: "POST", headers: { "content-encoding": "gzip" }, body: bomb });
const before = process.memoryUsage().rss;
const code = await readBody(request, { bytesMax: 4 * 1024 * 1024, timeoutMs: 30_000 }).then(() => "none", (error: { readonly code?: string }) => error.code);
process.stdout.write(JSON.stringify({ code, grownBytes: process.memoryUsage().rss - before }));

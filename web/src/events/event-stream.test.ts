import { describe, expect, it } from "vitest";
import { type Frame, framesOf } from "./event-stream.ts";

/** The frames of `text`, cut into pieces of `size` bytes. */
async function read(text: string, size: number): Promise<readonly Frame[]> {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  const frames = [];
  for await (const frame of framesOf(body)) frames.push(frame);
  return frames;
}

describe("framesOf()", () => {
  const text = 'retry: 1000\nid: 7\n\n: heartbeat\n\nid: 8\ndata: {"message":"é: x"}\n\nid:9\r\ndata:one\r\ndata:two\r\n\r\ndata: cut';

  it("reads ids and data wherever the pieces are cut, and leaves out a frame that did not end", async () => {
    for (const size of [1, 2, 3, 7, 1000]) {
      expect(await read(text, size), `pieces of ${size}`).toEqual([
        { id: "7", data: undefined },
        { id: undefined, data: undefined },
        { id: "8", data: '{"message":"é: x"}' },
        { id: "9", data: "one\ntwo" },
      ]);
    }
  });
});

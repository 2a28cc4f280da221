/** One frame of Server-Sent Events, HTML standard section 9.2: its data joined, and the position that it moves to. */
export type Frame = { readonly id: string | undefined; readonly data: string | undefined };

/** The frames of `body` as they come. Lines that are no field, comments among them, say nothing. */
export async function* framesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Frame> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      waiting += read.value;
      const frames = waiting.split(/\r?\n\r?\n/);
      waiting = frames.pop() ?? "";
      for (const text of frames) yield frameOf(text);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function frameOf(text: string): Frame {
  let id: string | undefined;
  const data: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, name, value = ""] = /^(\w+):? ?(.*)$/s.exec(line) ?? [];
    if (name === "id") id = value;
    if (name === "data") data.push(value);
  }
  return { id, data: data.length === 0 ? undefined : data.join("\n") };
}

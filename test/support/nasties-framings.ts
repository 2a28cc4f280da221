import { connect, type Socket } from "node:net";

/** A request as raw bytes. `statuses` may hold "closed": the server ended the connection without an answer, which is right for what is no HTTP. */
export type Framing = {
  readonly name: string;
  readonly send: (socket: Socket, door: FramingDoor) => Promise<void>;
  readonly statuses: readonly (number | "closed")[];
  /** How many events it stores when it is accepted. */
  readonly stores?: number;
};

/** Where to post: `head` holds the credential's header lines, `body` one valid batch. */
export type FramingDoor = { readonly host: string; readonly port: number; readonly path: string; readonly head: string; readonly body: string };

const crlf = "\r\n";

function requestHead(door: FramingDoor, lines: readonly string[]): string {
  const fixed = [`POST ${door.path} HTTP/1.1`, `host: ${door.host}:${door.port}`, "content-type: application/json", door.head];
  return [...fixed, ...lines].join(crlf) + crlf + crlf;
}

const chunkOf = (text: string | Buffer) => Buffer.concat([Buffer.from(text.length.toString(16) + crlf), Buffer.from(text), Buffer.from(crlf)]);
const chunked = "transfer-encoding: chunked";
const length = (door: FramingDoor, more = 0) => `content-length: ${Buffer.byteLength(door.body) + more}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends every byte of `pieces` with `gapMs` between them; stops quietly when the server has hung up. */
async function trickle(socket: Socket, pieces: Iterable<string | Buffer>, gapMs = 0): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed || !socket.writable) return;
    if (!socket.write(piece)) {
      await new Promise<void>((resolve) => {
        const goOn = () => (socket.off("drain", goOn), socket.off("close", goOn), resolve());
        socket.on("drain", goOn).on("close", goOn);
      });
    }
    if (gapMs > 0) await pause(gapMs);
  }
}

function* repeat(piece: Buffer, count: number): Generator<Buffer> {
  for (let n = 0; n < count; n++) yield piece;
}

export const framings: readonly Framing[] = [
  { name: "Content-Length", stores: 1, statuses: [201], send: (socket, door) => trickle(socket, [requestHead(door, [length(door)]), door.body]) },
  { name: "one byte at a time", stores: 1, statuses: [201], send: (socket, door) => trickle(socket, [requestHead(door, [length(door)]), ...door.body], 1) },
  { name: "head one byte at a time", stores: 1, statuses: [201], send: (socket, door) => trickle(socket, requestHead(door, [length(door)]) + door.body, 0) },
  { name: "one chunk", stores: 1, statuses: [201], send: (socket, door) => trickle(socket, [requestHead(door, [chunked]), chunkOf(door.body), chunkOf("")]) },
  {
    name: "chunks of one byte",
    stores: 1,
    statuses: [201],
    send: (socket, door) =>
      trickle(socket, [requestHead(door, [chunked]), ...[...Buffer.from(door.body)].map((byte) => chunkOf(Buffer.of(byte))), chunkOf("")]),
  },
  {
    name: "chunks that never stop",
    statuses: [413, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [chunked]), ...repeat(chunkOf(Buffer.alloc(65_536, " ")), 400)]),
  },
  {
    name: "Content-Length of a gigabyte",
    statuses: [413, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, ["content-length: 1073741824"]), door.body]),
  },
  {
    name: "Content-Length below the body: the rest is no request",
    stores: 0,
    statuses: [400, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [length(door, -3)]), door.body]),
  },
  {
    name: "Content-Length above the body, then the end",
    statuses: [400, 408, "closed"],
    send: async (socket, door) => {
      await trickle(socket, [requestHead(door, [length(door, 9)]), door.body]);
      socket.end();
    },
  },
  {
    name: "chunked, cut before the last chunk",
    statuses: [400, 408, "closed"],
    send: async (socket, door) => {
      await trickle(socket, [requestHead(door, [chunked]), chunkOf(door.body)]);
      socket.end();
    },
  },
  {
    name: "chunk with a length that is no number",
    statuses: [400, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [chunked]), `xyz${crlf}${door.body}${crlf}0${crlf}${crlf}`]),
  },
  {
    name: "chunk with a negative length",
    statuses: [400, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [chunked]), `-1${crlf}${door.body}`]),
  },
  {
    name: "chunk longer than 64 bits",
    statuses: [400, 413, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [chunked]), `ffffffffffffffffff${crlf}${door.body}`]),
  },
  {
    name: "both lengths: smuggling",
    statuses: [400, "closed", 201],
    send: (socket, door) => trickle(socket, [requestHead(door, [length(door), chunked]), chunkOf(door.body), chunkOf("")]),
  },
  {
    name: "two Content-Lengths that differ",
    statuses: [400, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [length(door), length(door, 1)]), door.body]),
  },
  {
    name: "Content-Length with a sign",
    statuses: [400, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [`content-length: +${door.body.length}`]), door.body]),
  },
  {
    name: "unknown transfer coding",
    statuses: [400, 501, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, ["transfer-encoding: gzip, x"]), door.body]),
  },
  { name: "no body at all", statuses: [400, 411, 415], send: (socket, door) => trickle(socket, [requestHead(door, ["content-length: 0"])]) },
  {
    name: "head of 2 MB",
    statuses: [400, 413, 431, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [length(door), `x-long: ${"x".repeat(2_000_000)}`]), door.body]),
  },
  {
    name: "10,000 header lines",
    statuses: [201, 400, 413, 431, "closed"],
    send: (socket, door) => trickle(socket, [requestHead(door, [length(door), ...Array.from({ length: 10_000 }, (_, n) => `x-${n}: 1`)]), door.body]),
  },
  { name: "no HTTP", statuses: [400, "closed"], send: (socket) => trickle(socket, ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]) },
  {
    name: "reset in the body",
    statuses: ["closed"],
    send: async (socket, door) => {
      await trickle(socket, [requestHead(door, [length(door)]), door.body.slice(0, 9)]);
      socket.resetAndDestroy();
    },
  },
  {
    name: "two requests at once",
    stores: 2,
    statuses: [201],
    send: (socket, door) => trickle(socket, [(requestHead(door, [length(door)]) + door.body).repeat(2)]),
  },
];

/** Sends one framing and reads the status of its first answer; "closed" when there was none, "silent" when neither came in `timeoutMs`. */
export function sendFraming(
  framing: Framing,
  door: FramingDoor,
  timeoutMs: number,
): Promise<{ readonly status: number | "closed" | "silent"; readonly durationMs: number }> {
  const startMs = performance.now();
  const socket = connect({ host: door.host, port: door.port, noDelay: true, allowHalfOpen: true });
  let read = "";
  return new Promise((resolve) => {
    const finish = (status: number | "closed" | "silent") => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ status, durationMs: performance.now() - startMs });
    };
    const timer = setTimeout(() => finish("silent"), timeoutMs);
    socket.on("data", (chunk) => {
      read += chunk.toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(read)?.[1];
      if (status !== undefined) setTimeout(() => finish(Number(status)), 50);
    });
    socket.on("end", () => finish(Number(/^HTTP\/1\.1 (\d{3})/.exec(read)?.[1] ?? NaN) || "closed"));
    socket.on("error", () => finish("closed"));
    socket.on("close", () => finish("closed"));
    socket.on("connect", () => void framing.send(socket, door));
  });
}

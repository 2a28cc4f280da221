import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createMessageSplitter, isCommitComplete } from "./chaos-proxy-postgres.ts";
import { randomOf } from "./payloads-seed.ts";

export type Direction = "to-server" | "to-client";

/** What the proxy does to the bytes that pass; every field may be changed while connections are open, and holds from the next chunk on. */
export type Faults = {
  /** Delay of every chunk, and a random addition up to `jitterMs`. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Each write carries at most so many bytes; 0 leaves chunks as they come. */
  readonly bytesPerWrite: number;
  /** Probability that a chunk resets the connection in place of passing. */
  readonly resetProbability: number;
  /** Resets a connection once so many of its bytes have passed in that direction. */
  readonly closeAfterBytes: { readonly [direction in Direction]?: number };
  /** Half-open: the connection stays, nothing passes in these directions, and neither side is told. */
  readonly hold: readonly Direction[];
  /** Resets new connections at once. */
  readonly refuse: boolean;
  /** Lets the request through and drops the answer: `commit` knows PostgreSQL's answer to COMMIT, `http` the first byte of an HTTP answer. */
  readonly swallow: { readonly answer: "commit" | "http"; readonly probability: number; readonly then: "reset" | "hang" } | undefined;
};

export const noFaults: Faults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerWrite: 0,
  resetProbability: 0,
  closeAfterBytes: {},
  hold: [],
  refuse: false,
  swallow: undefined,
};

export type ChaosProxy = {
  readonly port: number;
  /** `url` with this proxy's address in the place of its host and port. */
  through(url: string): string;
  set(changes: Partial<Faults>): void;
  /** No faults any more; what was held back is delivered, connections that hang after a swallowed answer are reset. */
  heal(): void;
  /** Resets every open connection. */
  cut(): void;
  /** A black hole for the connections that are open now: nothing passes any more and nobody is told, not even when healed. New ones are fine. */
  freeze(): void;
  readonly counts: Counts;
  close(): Promise<void>;
};

export type Counts = { connections: number; swallowed: number; resets: number; bytesToServer: number; bytesToClient: number };

/** `postgres` makes the proxy read the server's messages, so that it knows an answer to COMMIT; such a connection must not use TLS. */
export type Target = { readonly host: string; readonly port: number; readonly protocol?: "tcp" | "postgres" };

/** A TCP proxy on a free port of 127.0.0.1 before `target`, with faults that are set at run time and repeat with the seed. */
export async function startChaosProxy(target: Target, seed: number): Promise<ChaosProxy> {
  const counts: Counts = { connections: 0, swallowed: 0, resets: 0, bytesToServer: 0, bytesToClient: 0 };
  const state: State = { target, random: randomOf(seed), open: new Set(), counts, faults: noFaults, changed: Promise.withResolvers<void>() };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => accept(state, client));
  const port = await listen(listener);

  function apply(faults: Faults): void {
    state.faults = faults;
    state.changed.resolve();
    state.changed = Promise.withResolvers<void>();
  }

  function cut(which: (connection: Connection) => boolean): void {
    for (const connection of [...state.open]) if (which(connection)) reset(state, connection);
  }

  return {
    port,
    counts,
    through: (url) => withAddress(url, port),
    set: (changes) => apply({ ...state.faults, ...changes }),
    heal() {
      apply(noFaults);
      cut((connection) => connection.mute);
    },
    cut: () => cut(() => true),
    freeze() {
      for (const connection of state.open) connection.frozen = true;
    },
    async close() {
      cut(() => true);
      apply(noFaults);
      listener.close();
      await once(listener, "close");
    },
  };
}

type State = {
  readonly target: Target;
  readonly random: () => number;
  readonly open: Set<Connection>;
  readonly counts: Counts;
  faults: Faults;
  changed: PromiseWithResolvers<void>;
};

type Connection = {
  readonly client: Socket;
  readonly server: Socket;
  readonly passed: { [direction in Direction]: number };
  readonly split: ReturnType<typeof createMessageSplitter>;
  /** An HTTP request has passed whose answer has not begun. */
  awaitsAnswer: boolean;
  /** An answer was swallowed: nothing passes to the client any more. */
  mute: boolean;
  frozen: boolean;
};

function accept(state: State, client: Socket): void {
  state.counts.connections++;
  const server = connect({ host: state.target.host, port: state.target.port, allowHalfOpen: true, noDelay: true });
  const passed = { "to-server": 0, "to-client": 0 };
  const connection: Connection = { client, server, passed, split: createMessageSplitter(), awaitsAnswer: false, mute: false, frozen: false };
  state.open.add(connection);
  client.on("close", () => {
    state.open.delete(connection);
    server.destroy();
  });
  if (state.faults.refuse) return reset(state, connection);
  pump(state, connection, "to-server").catch(() => reset(state, connection));
  pump(state, connection, "to-client").catch(() => reset(state, connection));
}

/** Carries one direction of a connection to its end; rejects when the connection is to be reset. */
async function pump(state: State, connection: Connection, direction: Direction): Promise<void> {
  const [from, to] = direction === "to-server" ? [connection.client, connection.server] : [connection.server, connection.client];
  to.on("error", () => reset(state, connection));
  // Leaving the loop must not close `from` politely: a reset has to arrive as one, and the last bytes before a close have to be flushed.
  for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (const piece of piecesOf(mayPass(state, connection, direction, chunk), state.faults.bytesPerWrite)) {
      await delay(state, connection, direction);
      const left = (state.faults.closeAfterBytes[direction] ?? Infinity) - connection.passed[direction];
      connection.passed[direction] += piece.length;
      state.counts[direction === "to-server" ? "bytesToServer" : "bytesToClient"] += piece.length;
      if (piece.length > left) return void to.end(piece.subarray(0, Math.max(left, 0)), () => from.destroy());
      if (!to.write(piece)) await once(to, "drain");
    }
  }
  to.end();
}

/** The part of a chunk that may pass: an answer that is to be swallowed, and everything behind it, is dropped. */
function mayPass(state: State, connection: Connection, direction: Direction, chunk: Uint8Array): Uint8Array {
  if (direction === "to-server") {
    connection.awaitsAnswer = true;
    return chunk;
  }
  if (connection.mute) return new Uint8Array();
  if (state.target.protocol === "postgres") {
    const kept: Uint8Array[] = [];
    for (const message of connection.split(chunk)) {
      if (isCommitComplete(message) && swallows(state, connection, "commit")) break;
      kept.push(message.bytes);
    }
    return Buffer.concat(kept);
  }
  const begins = connection.awaitsAnswer;
  connection.awaitsAnswer = false;
  return begins && swallows(state, connection, "http") ? new Uint8Array() : chunk;
}

function swallows(state: State, connection: Connection, answer: "commit" | "http"): boolean {
  const { swallow } = state.faults;
  if (swallow?.answer !== answer || state.random() >= swallow.probability) return false;
  state.counts.swallowed++;
  connection.mute = true;
  if (swallow.then === "reset") reset(state, connection);
  return true;
}

/** Resolves when the next piece may pass; rejects when the connection is to be reset in its place. */
async function delay(state: State, connection: Connection, direction: Direction): Promise<void> {
  const delayMs = state.faults.latencyMs + state.random() * state.faults.jitterMs;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  while ((connection.frozen || state.faults.hold.includes(direction)) && !connection.client.destroyed) await state.changed.promise;
  if (state.random() < state.faults.resetProbability) throw new Error("chaos: reset in the place of a chunk");
}

function* piecesOf(chunk: Uint8Array, bytesPerWrite: number): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length;) {
    const piece = bytesPerWrite > 0 ? chunk.subarray(at, at + bytesPerWrite) : chunk.subarray(at);
    at += piece.length;
    yield piece;
  }
}

function reset(state: State, connection: Connection): void {
  if (!state.open.delete(connection)) return;
  state.counts.resets++;
  connection.client.resetAndDestroy();
  connection.server.destroy();
}

async function listen(listener: Server): Promise<number> {
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return (listener.address() as AddressInfo).port;
}

function withAddress(url: string, port: number): string {
  const changed = new URL(url);
  changed.hostname = "127.0.0.1";
  changed.port = String(port);
  return changed.href;
}

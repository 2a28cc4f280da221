import { createServer } from "node:net";

/** Below those that systems lend to outgoing connections and to whoever asks for any port: one of these may be taken again before it is bound. */
const anyPort = () => 20_000 + Math.floor(Math.random() * 12_768);

/** `preferred` when nobody listens on it on 127.0.0.1, else any free port. Another process may still take it first: whoever binds must check. */
export async function freePort(preferred?: number): Promise<number> {
  let port = preferred ?? anyPort();
  for (let tries = 0; tries < 50; tries++) {
    if (await isFree(port)) return port;
    port = anyPort();
  }
  throw new Error("find a free port: there is none");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

import { createServer } from "node:net";

/** `preferred` when nobody listens on it on 127.0.0.1, else any free port. Another process may still take it first: whoever binds must check. */
export async function freePort(preferred = 0): Promise<number> {
  return await tryPort(preferred) ?? await tryPort(0) ?? Promise.reject(new Error("find a free port: there is none"));
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const found = address !== null && typeof address === "object" ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}

// Posts prepared batches over keep-alive connections and measures each; bounded by the batches it is given, and aimed at loopback only.
import { Agent, request } from "node:http";

export type LoadTarget = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** What a run of posts took: wall seconds in all, milliseconds of each request, the `total_ms` the server reported, and what was created. */
export type LoadOutcome = {
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
  readonly serverMs: readonly number[];
  readonly parts: Readonly<Record<string, number>>;
  readonly created: number;
};

type Answer = { readonly status: number; readonly text: string };

/** Posts every body once with `clients` requests under way at a time; throws at the first answer that is not 201, since a figure with failures counts nothing. */
export async function postAll(target: LoadTarget, bodies: readonly Uint8Array[], clients: number): Promise<LoadOutcome> {
  if (!["127.0.0.1", "localhost", "[::1]"].includes(new URL(target.url).hostname)) {
    throw new Error(`post load: target must be loopback: it is ${new URL(target.url).hostname}`);
  }
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const latenciesMs: number[] = [];
  const answers: string[] = [];
  let next = 0;
  const start = performance.now();
  const client = async () => {
    for (let index = next++; index < bodies.length; index = next++) {
      const sent = performance.now();
      const answer = await post(agent, target, bodies[index] as Uint8Array);
      latenciesMs.push(performance.now() - sent);
      if (answer.status !== 201) throw new Error(`post load: batch ${index} was answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      answers.push(answer.text);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  return { seconds, latenciesMs, ...summed(answers) };
}

function post(agent: Agent, target: LoadTarget, body: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": String(body.byteLength), ...target.headers };
    const outgoing = request(target.url, { method: "POST", agent, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
      incoming.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Parsing the answers is the reader's business, not the load's: it happens after the clock stopped. */
function summed(answers: readonly string[]): { serverMs: number[]; parts: Record<string, number>; created: number } {
  const serverMs: number[] = [];
  const parts: Record<string, number> = {};
  let created = 0;
  for (const text of answers) {
    const answer = JSON.parse(text) as { created_count: number; timing?: Record<string, number> };
    created += answer.created_count;
    for (const [part, ms] of Object.entries(answer.timing ?? {})) {
      if (part === "total_ms") serverMs.push(ms);
      parts[part] = (parts[part] ?? 0) + ms / answers.length;
    }
  }
  return { serverMs, parts, created };
}

import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/** What the flood is told. */
export type FloodOptions = { readonly url: string; readonly key: string; readonly eventsPerBatch: number; readonly everyMs: number };
/** What it says when it was stopped: events, of this time alone. */
export type Flooded = { readonly offered: number; readonly stored: number };

/**
 * The noisy tenant, on a thread of its own: whoever measures a neighbour's latency in the loop that also sends the noise measures his own noise. It
 * sends a batch every `everyMs`, whatever is answered, between the messages "start" and "stop".
 */
const { url, key, eventsPerBatch, everyMs } = workerData as FloodOptions;
const events = Array.from({ length: eventsPerBatch }, (_, index) => ({ event_type: "neighbour.was", context: { index } }));
const body = Buffer.from(JSON.stringify({ events }));
const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "content-length": body.length };
const agent = new Agent({ keepAlive: true });
const open = new Set<Promise<void>>();
let [offered, stored] = [0, 0];
let timer: ReturnType<typeof setInterval> | undefined;

function send(): void {
  offered += eventsPerBatch;
  const sent = new Promise<void>((resolve) => {
    const asked = request(url, { agent, method: "POST", headers }, (answer) => {
      if (answer.statusCode === 201) stored += eventsPerBatch;
      answer.resume().on("close", resolve);
    });
    asked.on("error", () => resolve());
    asked.end(body);
  });
  open.add(sent);
  void sent.then(() => open.delete(sent));
}

parentPort?.on("message", (message: "start" | "stop") => {
  if (message === "start") return void (timer = setInterval(send, everyMs));
  clearInterval(timer);
  void Promise.all(open).then(() => {
    parentPort?.postMessage({ offered, stored } satisfies Flooded);
    [offered, stored] = [0, 0];
  });
});

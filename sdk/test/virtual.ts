import { type AuditClient, type AuditClientOptions, type AuditWarning, createAuditClient } from "../src/index.ts";
import { handle, type Server, server } from "../simulation/network.ts";
import { run, schedule, simulatedRuntime, type World, world } from "../simulation/world.ts";

/** One request as the virtual server got it. */
export type VirtualRequest = {
  readonly door: "edge" | "api";
  readonly at: number;
  readonly headers: Record<string, string>;
  readonly keepalive: boolean;
  readonly events: Record<string, unknown>[];
};

/** An answer other than the model's: a status with headers and body, "lost" for none at all, "refused" for a connection that fails. */
export type VirtualAnswer = { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> } | "lost" | "refused" | undefined;

export type Virtual = {
  readonly client: AuditClient;
  readonly world: World;
  readonly server: Server;
  readonly requests: VirtualRequest[];
  readonly warnings: AuditWarning[];
  /** What to answer; undefined for the model's own answer after `latencyMs`. */
  answer: (request: VirtualRequest) => VirtualAnswer;
  latencyMs: number;
  /** Lets virtual time pass. */
  readonly pass: (ms: number) => Promise<void>;
  /** Lets time pass until `promise` is settled, and hands it on. */
  readonly until: <T>(promise: Promise<T>) => Promise<T>;
};

/** A client in virtual time with a server whose every answer a test decides. */
export function virtual(options: AuditClientOptions = {}): Virtual {
  const at = world(1);
  const model = server();
  const requests: VirtualRequest[] = [];
  const warnings: AuditWarning[] = [];
  const start = at.now;
  const self = {};
  const fetch = (url: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const request: VirtualRequest = {
        door: url.includes("/functions/") ? "edge" : "api",
        at: at.now - start,
        headers: init.headers as Record<string, string>,
        keepalive: init.keepalive === true,
        events: JSON.parse(init.body as string).events,
      };
      requests.push(request);
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      schedule(at, self, it.latencyMs, () => {
        const answer = it.answer(request);
        if (answer === "lost") return;
        if (answer === "refused") return reject(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }));
        const { status, body } = answer ?? handle(model, init.body as string, request.headers["prefer"] === "return=minimal", new Date(at.now).toISOString());
        resolve(new Response(status === 204 ? null : typeof body === "string" ? body : JSON.stringify(body ?? {}), { status, headers: answer?.headers ?? {} }));
      });
    });
  const pass = async (ms: number) => {
    let over = false;
    schedule(at, {}, ms, () => void (over = true));
    await run(at, ms + 1, () => over);
  };
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    promise.then(() => settled = true, () => settled = true);
    // Nothing may be scheduled while a module is loaded, which takes real time.
    for (let turns = 0; !settled && turns < 1000; turns++) {
      await run(at, 3_600_000, () => settled);
      if (!settled) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return await promise;
  };
  const runtime = simulatedRuntime(at, {}, fetch);
  const client = createAuditClient({
    url: "http://virtual",
    apiKey: "aud_test",
    environment: {},
    onWarning: (warning) => void warnings.push(warning),
    ...options,
    runtime,
  });
  const it: Virtual = { client, world: at, server: model, requests, warnings, answer: () => undefined, latencyMs: 10, pass, until };
  return it;
}

/** `count` events that tell themselves apart. */
export function someEvents(count: number): { readonly event_type: string; readonly object_id: string }[] {
  return Array.from({ length: count }, (_, index) => ({ event_type: "test", object_id: String(index) }));
}

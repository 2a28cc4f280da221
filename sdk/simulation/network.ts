import type { Runtime } from "../src/runtime.ts";
import { schedule, type World } from "./world.ts";

type Event = {
  readonly id: string;
  readonly occurred_at: string;
  readonly tenant_id?: string;
  readonly event_type: string;
  readonly context?: Record<string, unknown>;
  readonly producer_id: string;
  readonly producer_seq: number;
};

/** What the server holds, by identity; and how often each identity was offered. */
export type Server = {
  readonly stored: Map<string, string>;
  requests: number;
  readonly requestTimes: number[];
};

/** How unkind the network is: shares of requests that meet each fault, and outages as intervals of virtual time. */
export type Faults = {
  readonly lost: number;
  readonly refused: number;
  readonly swallowed: number;
  readonly doubled: number;
  readonly limited: number;
  readonly failing: number;
  readonly garbled: number;
  readonly unauthorized: number;
  readonly missingDoor: "edge" | "api" | undefined;
  readonly latencyMsMax: number;
  readonly outages: readonly (readonly [from: number, to: number])[];
};

export const noFaults: Faults = {
  lost: 0,
  refused: 0,
  swallowed: 0,
  doubled: 0,
  limited: 0,
  failing: 0,
  garbled: 0,
  unauthorized: 0,
  missingDoor: undefined,
  latencyMsMax: 100,
  outages: [],
};

export function server(): Server {
  return { stored: new Map(), requests: 0, requestTimes: [] };
}

type Reply = {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
};

/** The contract of both doors, as a model: identity decides between created, duplicate and conflict; `context.bad` is refused, `context.poison` fails its request. */
export function handle(to: Server, body: string, minimal: boolean, receivedAt: string): Reply {
  const { events } = JSON.parse(body) as { readonly events: readonly Event[] };
  if (events.some((event) => event.context?.["poison"] === true)) {
    return {
      status: 400,
      body: JSON.stringify({
        code: "body_too_deep",
        detail: "read body: it nests too deeply",
      }),
    };
  }
  const results = events.map((event, index) => {
    if (event.context?.["bad"] === true) {
      return {
        index,
        status: "rejected",
        error: {
          code: "invalid_value",
          pointer: "/context/bad",
          message: "is bad",
        },
      };
    }
    const identity = `${event.tenant_id}|${event.occurred_at}|${event.id}`;
    const known = to.stored.get(identity);
    const text = JSON.stringify(event);
    to.stored.set(identity, known ?? text);
    return {
      index,
      id: event.id,
      occurred_at: event.occurred_at,
      status: known === undefined ? "created" : known === text ? "duplicate" : "conflict",
    };
  });
  const count = (...statuses: string[]) => results.filter(({ status }) => statuses.includes(status)).length;
  const [created, duplicate, rejected] = [count("created"), count("duplicate"), count("rejected", "conflict")];
  const answer = {
    created_count: created,
    duplicate_count: duplicate,
    rejected_count: rejected,
    received_at: receivedAt,
    results: minimal ? results.filter(({ status }) => status !== "created") : results,
  };
  return {
    status: rejected === events.length ? 422 : rejected > 0 ? 207 : created > 0 ? 201 : 200,
    body: JSON.stringify(answer),
  };
}

/** A network to `to` for one process; `faults` is asked anew for each request, so that it can heal. */
export function simulatedFetch(in_: World, process: object, to: Server, faults: () => Faults): Runtime["fetch"] {
  return (url, init) =>
    new Promise((resolve, reject) => {
      const { dice } = in_;
      const now = faults();
      const latency = () => dice.between(1, now.latencyMsMax);
      const later = (ms: number, action: () => void) => schedule(in_, process, ms, action);
      // What reaches the server happens there even if the sender has died since.
      const atServer = (ms: number, action: () => void) => schedule(in_, to, ms, action);
      const fail = (message: string) => later(latency(), () => reject(new TypeError(message)));
      const answer = (reply: Reply) => later(latency(), () => resolve(responseOf(reply)));
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      to.requests++;
      to.requestTimes.push(in_.now);
      if (now.outages.some(([from, until]) => in_.now >= from && in_.now < until)) return void fail("connection refused");
      if (
        now.missingDoor !== undefined &&
        url.includes(now.missingDoor === "edge" ? "/functions/" : "/api/")
      ) return void answer({ status: 404, body: "not found" });
      const minimal = new Map(Object.entries(init.headers as Record<string, string>)).get("prefer") === "return=minimal";
      const process_ = () =>
        handle(
          to,
          init.body as string,
          minimal,
          new Date(in_.now).toISOString(),
        );
      if (dice.chance(now.refused)) return void fail("connection refused");
      if (dice.chance(now.lost)) return;
      if (dice.chance(now.limited)) {
        return void answer({
          status: 429,
          body: "{}",
          headers: {
            "retry-after": dice.pick(["1", "5", new Date(in_.now + in_.offMs + 7000).toUTCString(), ""]),
          },
        });
      }
      if (dice.chance(now.unauthorized)) return void answer({ status: dice.pick([401, 403]), body: "{}" });
      if (dice.chance(now.failing)) {
        return void answer({
          status: dice.pick([500, 502, 503, 504]),
          body: "oops",
          headers: dice.chance(0.5) ? { "retry-after": "2" } : {},
        });
      }
      atServer(latency(), () => {
        const reply = process_();
        if (dice.chance(now.doubled)) atServer(latency() * 3, process_);
        if (dice.chance(now.swallowed)) return void fail("connection reset");
        answer(dice.chance(now.garbled) ? { ...reply, body: reply.body.slice(0, dice.between(0, reply.body.length - 1)) } : reply);
      });
    });
}

/** As much of a Response as the client reads. */
function responseOf({ status, body, headers = {} }: Reply): Response {
  const response = {
    ok: status < 300,
    status,
    type: "basic",
    headers: { get: (name: string) => headers[name] ?? null },
    json: async () => await JSON.parse(body),
  };
  return response as unknown as Response;
}

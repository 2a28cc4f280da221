import { describe, expect, it } from "vitest";
import type { Caller } from "./caller.ts";
import { AuditError } from "./errors.ts";
import { createRateLimiter, type RateLimiter } from "./rate-limiter.ts";
import type { Lease, LeaseAsk } from "./rate-store.ts";
import { randomFrom } from "../test/support/random-events.ts";
import { tokensOf } from "./rate-tokens.ts";

const a = "00000000-0000-4000-8000-00000000000a";
const b = "00000000-0000-4000-8000-00000000000b";
const key = (id: string, tenantId = a): Caller => ({ kind: "key", principal: `key:${id}`, tenants: [tenantId], scopes: new Set(["ingest"]), claims: {} });
const server: Caller = { kind: "secret", principal: "secret:default", tenants: "any", scopes: new Set(["ingest"]), claims: {} };

/**
 * Processes with quotas of 100 events a second and tenant, 50 a caller, over one store that answers within `storeMs`; time stands still until the test
 * moves it.
 */
function world(processes = 1, storeMs: () => number = () => 0) {
  let nowMs = 0;
  const shared = new Map<string, { tokens: number; atMs: number }>();
  const store = { asks: 0, isDown: false, perSecond: undefined as number | undefined, lease };
  let answers: { readonly atMs: number; readonly go: () => void }[] = [];
  async function lease(asks: readonly LeaseAsk[]): Promise<readonly Lease[]> {
    await Promise.resolve();
    const settled = leases(asks);
    const atMs = nowMs + storeMs();
    if (atMs > nowMs) await new Promise<void>((go) => answers.push({ atMs, go }));
    return settled;
  }
  const leases = (asks: readonly LeaseAsk[]): readonly Lease[] => {
    store.asks++;
    if (store.isDown) throw new AuditError("unavailable", "lease tokens: away");
    return asks.map(({ bucket, perSecond: usual, balance, wanted }) => {
      const perSecond = store.perSecond ?? usual;
      const known = shared.get(bucket) ?? { tokens: perSecond * 10, atMs: nowMs };
      const refilled = known.tokens + perSecond * (nowMs - known.atMs) / 1000 + balance;
      const tokens = Math.max(Math.min(refilled, perSecond * 10), -perSecond * 10);
      const granted = Math.max(0, Math.min(tokens, wanted));
      shared.set(bucket, { tokens: tokens - granted, atMs: nowMs });
      return { perSecond, granted, left: tokens - granted };
    });
  };
  const logged: string[] = [];
  const quotas = { ingest: { tenant: 100, caller: 50 }, reads: { tenant: 100, caller: 50 } };
  const limiters = Array.from(
    { length: processes },
    () => createRateLimiter({ store, quotas, elapsedMs: () => nowMs, log: ({ event }) => void logged.push(event) }),
  );
  const pass = async (ms: number) => {
    const untilMs = nowMs + ms;
    for (;;) {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      const next = answers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs)[0];
      if (next === undefined) break;
      answers = answers.filter((answer) => answer !== next);
      nowMs = next.atMs;
      next.go();
    }
    nowMs = untilMs;
  };
  return { store, logged, limiters: limiters as [RateLimiter, ...RateLimiter[]], pass, now: () => nowMs };
}

/** The outcome of a batch of `count` events of the caller's tenant: undefined when it was let in, else the seconds to wait. */
function send(limiter: RateLimiter, caller: Caller, count: number): number | undefined {
  try {
    const ticket = limiter.open("ingest", caller, a);
    ticket.admit();
    ticket.take(new Map([[a, count]]));
    return undefined;
  } catch (error) {
    if (error instanceof AuditError && error.code === "rate_limited") return error.retryAfterSeconds;
    throw error;
  }
}

describe("createRateLimiter()", () => {
  it("lets a tenant have his rate in the long run, whatever the number of processes and however much is sent", async () => {
    for (const processes of [1, 3]) {
      const { limiters, pass } = world(processes);
      let accepted = 0;
      for (let step = 0; step < 6_000; step++) {
        // 20 times the quota, by many callers.
        const limiter = limiters[step % processes] as RateLimiter;
        for (let batch = 0; batch < 2; batch++) if (send(limiter, key(`caller-${batch}-${step % 40}`), 10) === undefined) accepted += 10;
        await pass(10);
      }
      // 60 s at 100 a second, and a full bucket at the start; what is leased and on credit is a few seconds' worth more.
      expect(accepted).toBeGreaterThan(6_000);
      expect(accepted).toBeLessThan(7_000 + 600 * processes);
    }
  });

  it("never refuses who stays below his quota, and asks the store a few times in ten seconds", async () => {
    const { limiters: [limiter], pass, store } = world();
    for (let step = 0; step < 1_000; step++) {
      expect(send(limiter, key("steady"), 4)).toBeUndefined();
      await pass(100);
    }
    expect(store.asks).toBeLessThan(120);
  });

  it("stops one caller at half of his tenant's quota, and leaves the rest to the others", async () => {
    const { limiters: [limiter], pass } = world();
    let [wild, calm] = [0, 0];
    for (let step = 0; step < 6_000; step++) {
      if (send(limiter, key("wild"), 20) === undefined) wild += 20;
      if (step % 100 === 0 && send(limiter, key("calm"), 20) === undefined) calm += 20;
      await pass(10);
    }
    expect(wild).toBeLessThan(60 * 50 + 700);
    expect(calm).toBe(60 * 20);
  });

  it("says when to come again, and is right", async () => {
    const { limiters: [limiter], pass } = world();
    send(limiter, key("bulk"), 1_000);
    await pass(1);
    const waitSeconds = send(limiter, key("bulk"), 1);
    expect(waitSeconds).toBeGreaterThan(5);
    await pass(1000 * (waitSeconds as number) - 1_001);
    expect(send(limiter, key("bulk"), 1)).toBeGreaterThan(0);
    await pass(1_002);
    expect(send(limiter, key("bulk"), 1)).toBeUndefined();
  });

  it("keeps its word to a client that waits as long as it was told, however it sent before and however slow the store is", async () => {
    const kept = { refusals: 0, longestSeconds: 0 };
    for (let seed = 1; seed <= 1_000; seed++) {
      const random = randomFrom(seed);
      const { limiters: [limiter], pass } = world(1, () => Math.floor(random() * 400));
      for (let step = 0; step < 60; step++) {
        const waitSeconds = send(limiter, key("bursty"), Math.ceil(10 ** (random() * 3)));
        if (waitSeconds === undefined) {
          await pass(random() < 0.5 ? 0 : Math.floor(random() * 3_000));
          continue;
        }
        kept.refusals++;
        kept.longestSeconds = Math.max(kept.longestSeconds, waitSeconds);
        await pass(waitSeconds * 1000);
        expect(send(limiter, key("bursty"), 1), `seed ${seed}, step ${step}, after ${waitSeconds} s`).toBeUndefined();
      }
    }
    expect(kept.refusals).toBeGreaterThan(1_000);
    expect(kept.longestSeconds).toBeGreaterThan(9);
  });

  it("lets a burst through that comes faster than it is settled, while there is enough", async () => {
    const { limiters: [limiter], pass, store } = world();
    for (let batch = 0; batch < 6; batch++) {
      expect(send(limiter, key("burst"), 40), `batch ${batch}`).toBeUndefined();
      await pass(5);
    }
    expect(store.asks).toBe(1);
  });

  it("lets a mixed batch of a server pass while one of its tenants has something left, and counts each tenant's events", async () => {
    const { limiters: [limiter], pass } = world();
    const post = (tokens: Readonly<Record<string, number>>) => {
      const ticket = limiter.open("ingest", server, undefined);
      ticket.admit();
      ticket.take(new Map(Object.entries(tokens)));
    };
    post({ [a]: 3_000 });
    await pass(1);
    expect(() => post({ [a]: 1 })).toThrow(expect.objectContaining({ code: "rate_limited" }));
    expect(() => post({ [a]: 1, [b]: 1 })).not.toThrow();
    expect(() => post({ [b]: 10 })).not.toThrow();
    expect(send(limiter, key("any"), 1)).toBeGreaterThan(0);
  });

  it("goes on at the known rates while the store is away, says so, and settles when it is back", async () => {
    const { limiters: [limiter], pass, store, logged } = world();
    store.isDown = true;
    let accepted = 0;
    for (let step = 0; step < 600; step++) {
      if (send(limiter, key("k"), 20) === undefined) accepted += 20;
      await pass(100);
    }
    expect(accepted).toBeGreaterThan(60 * 30);
    expect(accepted).toBeLessThan(60 * 50 * 2);
    expect(logged.length).toBeGreaterThan(5);
    expect(logged.length).toBeLessThan(60);
    expect(new Set(logged)).toEqual(new Set(["rates.not_settled"]));
  });

  it("holds to quotas that were changed within seconds, also who has spent nothing of the lease before", async () => {
    const { limiters: [limiter], pass, store } = world();
    const isFull = () => send(limiter, key("quiet"), 1) !== undefined;
    // So much leads to a lease of seconds' worth.
    for (let batch = 0; batch < 3; batch++) {
      expect(send(limiter, key("quiet"), 60), `batch ${batch}`).toBeUndefined();
      await pass(1_000);
    }
    store.perSecond = 1;
    await pass(10_000);
    let accepted = 0;
    for (let batch = 0; batch < 40; batch++) {
      if (!isFull()) accepted++;
      await pass(10);
    }
    // A bucket of ten, and what is on credit.
    expect(accepted).toBeLessThan(15);
    store.perSecond = undefined;
    await pass(10_000);
    for (let batch = 0; batch < 40; batch++) {
      expect(isFull(), `batch ${batch} when it is as before`).toBe(false);
      await pass(10);
    }
  });

  it("says in the draft's fields what the quotas are and what is left of them", async () => {
    const { limiters: [limiter], pass } = world();
    const ticket = limiter.open("ingest", key("k"), a);
    ticket.take(new Map([[a, 100]]));
    expect(ticket.headers()).toEqual({
      "ratelimit-policy": '"tenant";q=1000;w=10;qu="events", "caller";q=500;w=10;qu="events"',
      ratelimit: '"tenant";r=900;t=1, "caller";r=400;t=2',
    });
    ticket.take(new Map([[a, 2_000]]));
    await pass(1);
    expect(ticket.headers()["ratelimit"]).toMatch(/^"tenant";r=0;t=\d+, "caller";r=0;t=\d+$/);
    expect(limiter.open("reads", server, undefined).headers()).toEqual({});
  });
});

describe("tokensOf()", () => {
  const tokens = (events: readonly unknown[], caller: Caller, defaultTenantId?: string) => Object.fromEntries(tokensOf(events, caller, defaultTenantId));

  it("gives a caller's only tenant all events, without a look at them", () => {
    expect(tokens([null, { tenant_id: b }], key("k"))).toEqual({ [a]: 2 });
  });

  it("counts a server's events by tenant, whatever their order and spelling", () => {
    const events = [{ tenant_id: a }, { tenant_id: a.toUpperCase() }, { tenant_id: b }, { tenant_id: a }, {}, { tenant_id: null }];
    expect(tokens(events, server, b)).toEqual({ [a]: 3, [b]: 3 });
    expect(tokens([{}], server)).toEqual({});
  });

  it("counts nothing for tenants that are none, or not the caller's", () => {
    const both: Caller = { ...key("k"), tenants: [a, "00000000-0000-4000-8000-00000000000c"] };
    expect(tokens([{ tenant_id: b }, { tenant_id: "x" }, { tenant_id: 7 }, 1, null, [], { tenant_id: a }], both)).toEqual({ [a]: 1 });
  });
});

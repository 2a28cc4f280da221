import { describe, expect, it } from "vitest";
import { makeApiKey } from "../../core/api-key.ts";
import { limits } from "../../core/limits.ts";
import type { KeyStore } from "../../core/ports.ts";
import { apiKeys } from "./api-key.ts";

type Found = Awaited<ReturnType<KeyStore["find"]>>;
const keyOf = (seed: number) => makeApiKey((length) => Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7) % 256)).text;

/** API keys before a store and a clock that the test holds; the store answers when `answer` is called, or at once. */
function harness() {
  const store = {
    found: { id: "abcdefghijkl", tenantId: "t", scopes: ["ingest"], expiresAt: undefined, revoked: false } as Found,
    lookups: 0,
    fault: false,
    answersAfterMs: 0,
    touches: [] as string[],
    touchFault: false,
  };
  let time = 0;
  const keys: KeyStore = {
    find: () => {
      store.lookups++;
      time += store.answersAfterMs;
      return store.fault ? Promise.reject(new Error("away")) : Promise.resolve(store.found);
    },
    touch: (id, usedAt) => {
      store.touches.push(`${id} ${usedAt.getTime()}`);
      return store.touchFault ? Promise.reject(new Error("away")) : Promise.resolve();
    },
  };
  const callerOf = apiKeys({ store: keys, now: () => new Date(time) });
  const ask = (key: string) => callerOf(key).then((caller) => caller.principal, (error: Error) => error.message);
  return { store, ask, wait: (ms: number) => time += ms };
}

const refused = "authenticate: API key is not valid: it is mistyped, revoked or has expired; send another";

describe("apiKeys()", () => {
  it("notes the use of a good key once a minute, and answers though it cannot be noted", async () => {
    const { store, ask, wait } = harness();
    store.touchFault = true;
    for (const ms of [0, 1, 59_998, 1]) {
      wait(ms);
      expect(await ask(keyOf(1))).toBe("key:abcdefghijkl");
    }
    expect(store.touches).toEqual(["abcdefghijkl 0", "abcdefghijkl 60000"]);
  });

  it("notes no use of a key that is revoked or has expired", async () => {
    for (const change of [{ revoked: true }, { expiresAt: "1969-12-31T23:59:59.000Z" }]) {
      const { store, ask } = harness();
      store.found = { ...store.found, ...change } as Found;
      expect(await ask(keyOf(1))).toBe(refused);
      expect(store.touches).toEqual([]);
    }
  });

  it("asks the store once for requests that come together", async () => {
    const { store, ask } = harness();
    const key = keyOf(1);
    expect(new Set(await Promise.all([ask(key), ask(key), ask(key)]))).toEqual(new Set(["key:abcdefghijkl"]));
    expect(store.lookups).toBe(1);
  });

  it("believes a revoked key no longer than the cache says, which is less than a minute", async () => {
    const { store, ask, wait } = harness();
    const key = keyOf(1);
    await ask(key);
    store.found = undefined;
    wait(limits.keyCacheMs - 1);
    expect(await ask(key)).toBe("key:abcdefghijkl");
    wait(1);
    expect(await ask(key)).toBe(refused);
    expect(limits.keyCacheMs).toBeLessThan(60_000);
  });

  it("counts from the question, not from an answer that took its time", async () => {
    const { store, ask, wait } = harness();
    store.answersAfterMs = limits.keyCacheMs / 2;
    const key = keyOf(1);
    await ask(key);
    store.found = undefined;
    wait(limits.keyCacheMs / 2);
    expect(await ask(key)).toBe(refused);
  });

  it("ends a cached key when it expires", async () => {
    const { store, ask, wait } = harness();
    store.found = { id: "abcdefghijkl", tenantId: "t", scopes: ["ingest"], expiresAt: "1970-01-01T00:00:01.000Z", revoked: false };
    const key = keyOf(1);
    wait(999);
    expect(await ask(key)).toBe("key:abcdefghijkl");
    wait(1);
    expect(await ask(key)).toBe(refused);
    expect(store.lookups).toBe(1);
  });

  it("remembers for as long that a key is unknown", async () => {
    const { store, ask, wait } = harness();
    const { found } = store;
    store.found = undefined;
    const key = keyOf(1);
    for (let attempt = 0; attempt < 5; attempt++) expect(await ask(key)).toBe(refused);
    expect(store.lookups).toBe(1);
    store.found = found;
    wait(limits.keyCacheMs);
    expect(await ask(key)).toBe("key:abcdefghijkl");
  });

  it("remembers no fault", async () => {
    const { store, ask } = harness();
    store.fault = true;
    expect(await ask(keyOf(1))).toBe("away");
    store.fault = false;
    expect(await ask(keyOf(1))).toBe("key:abcdefghijkl");
  });

  it("keeps a good key through a flood of guesses", async () => {
    const { store, ask } = harness();
    const good = keyOf(1);
    await ask(good);
    store.found = undefined;
    for (let guess = 0; guess < limits.keyCacheEntriesMax + 10; guess++) {
      await ask(makeApiKey((length) => Uint8Array.from({ length }, (_, index) => (guess >> ((index % 2) * 8)) & 255)).text);
    }
    const before = store.lookups;
    expect(await ask(good)).toBe("key:abcdefghijkl");
    expect(store.lookups).toBe(before);
  });
});

import { expect } from "vitest";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

type Stored = { readonly id: string; readonly occurred_at: string };
type Page = {
  readonly events: readonly { readonly id: string; readonly occurred_at: string; readonly tenant_id: string }[];
  readonly next_cursor: string | null;
};

const writers = 8;
const horizonMs = 6 * 3_600_000;

/**
 * `walks` keyset walks while eight writers insert at random times of the same window. Each event that was acknowledged before a walk began must be met
 * once; events stored meanwhile may be met, and not twice. Returns how many events were stored and how many pages read.
 */
export async function walkWhileWriting(walks: number): Promise<{ readonly stored: number; readonly pages: number }> {
  const service = await startService({ env: { AUDIT_DATABASE_POOL_SIZE: "12" } });
  const acknowledged: Stored[] = [];
  const state = { writing: true, pages: 0 };
  const work = Array.from({ length: writers }, (_, writer) => write(service, acknowledged, () => state.writing, writer));
  try {
    // A writer that fails ends the wait as well.
    await Promise.race([untilStored(acknowledged, 400), Promise.all(work)]);
    const token = await tokenOf("viewer");
    const walkers = Array.from({ length: 4 }, async (_, walker) => {
      for (let walk = walker; walk < walks; walk += 4) state.pages += await walkOnce(service, token, acknowledged, walk);
    });
    await Promise.all(walkers);
  } finally {
    state.writing = false;
    await Promise.all(work);
    await service.stop();
  }
  return { stored: acknowledged.length, pages: state.pages };
}

async function write(service: Service, acknowledged: Stored[], isWriting: () => boolean, writer: number): Promise<void> {
  for (let batch = 0; isWriting(); batch++) {
    const at = () => new Date(Date.now() - Math.floor(Math.random() * horizonMs)).toISOString();
    const mine = Array.from({ length: 1 + Math.floor(Math.random() * 12) }, () => ({ source: "walk", occurred_at: at(), producer_id: `writer-${writer}` }));
    const stored = await service.store(tenantA, mine);
    await service.store(tenantB, [{ source: "walk" }]);
    acknowledged.push(...stored);
    // Ever slower, so that walks come to their end however many there are: what is stored grows with the root of the time.
    await new Promise((resolve) => setTimeout(resolve, 50 + acknowledged.length / 20));
  }
}

async function walkOnce(service: Service, token: string, acknowledged: readonly Stored[], walk: number): Promise<number> {
  // A walk crosses a tenth of the time that is written into: all of it would grow faster than it is read.
  const from = new Date(Date.now() - horizonMs * (1 - (walk % 10) / 10)).toISOString();
  const to = new Date(Date.parse(from) + horizonMs / 10).toISOString();
  const before = acknowledged.filter(({ occurred_at }) => occurred_at >= from && occurred_at <= to).map(({ id }) => id);
  const order = walk % 2 === 0 ? "desc" : "asc";
  const seen = new Map<string, number>();
  const times: string[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const query: string = `source=walk&order=${order}&from=${from}&to=${to}&limit=${[7, 13, 50, 1000][walk % 4]}${cursor === null ? "" : `&cursor=${cursor}`}`;
    const { status, json, text } = await service.ask(`/events?${query}`, { as: token });
    if (status !== 200) throw new Error(`walk ${walk}: ${status} ${text}`);
    const page = json as Page;
    for (const event of page.events) {
      seen.set(event.id, (seen.get(event.id) ?? 0) + 1);
      times.push(`${event.occurred_at} ${event.id}`);
      expect(event.tenant_id).toBe(tenantA);
    }
    cursor = page.next_cursor;
    pages++;
  } while (cursor !== null);
  expect([...seen].filter(([, count]) => count > 1), `walk ${walk}: repeated`).toEqual([]);
  expect(before.filter((id) => !seen.has(id)), `walk ${walk}: skipped`).toEqual([]);
  const sorted = times.toSorted();
  expect(times, `walk ${walk}: order`).toEqual(order === "asc" ? sorted : sorted.reverse());
  return pages;
}

/** Resolves when more than `count` events were acknowledged; throws, saying how many were, when that takes a minute. */
async function untilStored(acknowledged: readonly Stored[], count: number): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (acknowledged.length <= count) {
    if (performance.now() > endMs) throw new Error(`walk while writing: ${acknowledged.length} of more than ${count} events were acknowledged within 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

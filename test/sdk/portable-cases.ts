import { createAuditClient, fromRequest } from "../../sdk/src/index.ts";
import { createQueryClient } from "../../sdk/src/query.ts";
import { leafHashOf } from "../../sdk/src/verify.ts";

/** One promise of the SDK, tried wherever it runs. `url` is a server double's, which keeps the events of each tenant apart. */
export type PortableCase = { readonly name: string; readonly run: (url: string, tenantId: string) => Promise<void> };

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`expected that ${what}`);
}

async function storedBy(url: string, tenantId: string): Promise<Record<string, unknown>[]> {
  return await (await fetch(`${url}/stored?tenant_id=${tenantId}`)).json();
}

/** The same file on Node, Deno and in a browser: web standards only. */
export const portableCases: readonly PortableCase[] = [
  {
    name: "stores an event and says so",
    run: async (url, tenantId) => {
      // Where there is no process that could end, as in a page, this means nothing.
      const client = createAuditClient({ url, apiKey: "aud_test", tenantId, environment: {}, closeOnExit: true });
      const { status, id, receivedAt } = await client.logEvent({ event_type: "portable", message: "é€😀" });
      check(status === "created" && /^[0-9a-f-]{36}$/.test(id) && receivedAt !== undefined, "the event is created");
      const [event] = await storedBy(url, tenantId);
      check(event?.["message"] === "é€😀" && event["id"] === id, "it arrives as it was");
      await client.close();
    },
  },
  {
    name: "queues, batches, flushes and counts to the unit",
    run: async (url, tenantId) => {
      const client = createAuditClient({ url, apiKey: "aud_test", tenantId, environment: {}, batchSize: 100 });
      for (let number = 0; number < 350; number++) check(client.logEventFireAndForget({ event_type: "portable", object_id: String(number) }), "it is queued");
      const { complete } = await client.flush();
      const { logged, sent, dropped, queued, requests } = client.stats();
      check(complete && logged === 350 && sent === 350 && dropped.total === 0 && queued === 0, "everything is sent");
      check(requests >= 4 && requests < 20, "in batches");
      check((await storedBy(url, tenantId)).length === 350, "everything is stored");
      await client.close();
    },
  },
  {
    name: "tries again after failures with the same ids, and stores nothing twice",
    run: async (url, tenantId) => {
      const client = createAuditClient({ url: `${url}/flaky`, apiKey: "aud_test", tenantId, environment: {}, backoffBaseMs: 5, backoffCapMs: 20 });
      const { createdCount, duplicateCount } = await client.logHighVolumeEvents(
        Array.from({ length: 120 }, (_, number) => ({ event_type: "portable", object_id: String(number) })),
      );
      check(createdCount + duplicateCount === 120, "every event has a verdict");
      check((await storedBy(url, tenantId)).length === 120, "each is stored once");
      check(client.stats().retried > 0, "something was sent again");
      await client.close();
    },
  },
  {
    name: "rejects with the server's reason",
    run: async (url, tenantId) => {
      const client = createAuditClient({ url, apiKey: "aud_test", tenantId, environment: {} });
      const reason = await client.logEvent({ event_type: "portable", context: { bad: true } }).catch((error: unknown) => error) as {
        readonly name: string;
        readonly code: string;
      };
      check(reason.name === "AuditRejectedError" && reason.code === "invalid_value", "the reason is known");
      await client.close();
    },
  },
  {
    name: "logs operations with duration and failure",
    run: async (url, tenantId) => {
      await using client = createAuditClient({ url, apiKey: "aud_test", tenantId, environment: {} });
      const value = await client.auditOperation({ event_type: "fine" }, () => 42);
      const failed = await client.auditOperation({ event_type: "broken" }, () => Promise.reject(new RangeError("no"))).catch((error: unknown) => error);
      await client.flush();
      const events = await storedBy(url, tenantId);
      check(value === 42 && failed instanceof RangeError, "the operation's outcome is passed on");
      check(events.map(({ result }) => result).sort().join() === "failure,success", "both are logged");
    },
  },
  {
    name: "knows the request it speaks for",
    run: async () => {
      const headers = new Headers({ "x-forwarded-for": "2001:DB8::7", "x-request-id": "r1", "accept-language": "de" });
      const { ip_address, request_id, device_fingerprint } = fromRequest({ headers });
      check(ip_address === "2001:db8::7" && request_id === "r1" && /^[0-9a-f]{64}$/.test(device_fingerprint ?? ""), "address, id and fingerprint are taken");
      await Promise.resolve();
    },
  },
  {
    name: "reads pages and verifies leaf hashes",
    run: async (url, tenantId) => {
      const query = createQueryClient({ url, apiKey: "aud_test", tenantId, verifyReceipts: true });
      const ids: string[] = [];
      for await (const event of query.events.iterate({ event_type: "portable" })) ids.push(event.id);
      check(ids.join() === "1,2,3", "all pages are read");
      check(leafHashOf({ event_type: "a" }).length === 64, "hashes are hexadecimal");
    },
  },
];

/** Runs every case; the name of each with what went wrong, if anything did. */
export async function runPortableCases(url: string, platform: string): Promise<{ readonly name: string; readonly fault?: string }[]> {
  const outcomes: { readonly name: string; readonly fault?: string }[] = [];
  for (const [index, { name, run }] of portableCases.entries()) {
    try {
      await run(url, `${platform}-${index}`);
      outcomes.push({ name });
    } catch (error) {
      outcomes.push({ name, fault: String(error) });
    }
  }
  return outcomes;
}

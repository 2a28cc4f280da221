import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { DenoVersion } from "../../scripts/stack/deno-process.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { testEnvironment } from "../support/tokens.ts";
import { seedEvents, startService, tenantA, tenantB, tokenOf } from "./service.ts";
import { seedWideEvents } from "./wide-events.ts";

/** What one client got: rows of all parts, and each part's own word on whether it was the last. */
export type Walked = { readonly format: string; readonly rows: number; readonly completes: readonly (string | null)[] };

/**
 * Exports `narrow` events of the usual size and `wide` ones in every format from the Edge Function, part by part to the end, by `clients` clients at once. Gives what they got,
 * and the most memory that the process has ever held. V8 is told of the room that the platform gives a function: on a large machine it would collect late.
 */
export async function exportFromEdge(
  denoVersion: DenoVersion,
  { narrow = 0, wide, clients }: { readonly narrow?: number; readonly wide: number; readonly clients: number },
): Promise<{ readonly peakBytes: number; readonly narrow: readonly Walked[]; readonly wide: readonly Walked[] }> {
  const service = await startService();
  let edge: TestFunction | undefined;
  try {
    if (narrow > 0) await seedEvents(service.admin, tenantA, narrow, { days: 1 });
    await service.admin.query("insert into audit_log.tenants (id, name) values ($1, 'wide') on conflict do nothing", [tenantB]);
    await seedWideEvents(service.admin, tenantB, wide);
    edge = await startFunction("audit-api", { env: { ...testEnvironment(service.database), DENO_V8_FLAGS: "--max-heap-size=256" }, denoVersion });
    const { url, pid } = edge;
    const walkAll = async (tenantId: string) => {
      const token = await tokenOf("auditor", [tenantId]);
      const walked: Walked[] = [];
      for (const format of ["csv", "ndjson", "parquet"]) {
        walked.push(...await Promise.all(Array.from({ length: clients }, () => walk(`${url}/api/v1/audit/events/export`, format, token))));
      }
      return walked;
    };
    const walked = { narrow: narrow === 0 ? [] : await walkAll(tenantA), wide: await walkAll(tenantB) };
    const peakBytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
    return { peakBytes, ...walked };
  } finally {
    await edge?.stop();
    await service.stop();
  }
}

async function walk(url: string, format: string, token: string): Promise<Walked> {
  const completes: (string | null)[] = [];
  let rows = 0;
  let path: string | undefined = `?format=${format}&q=principal:key:seed`;
  while (path !== undefined) {
    const answer = await whenThereIsRoom(() => fetch(url + path, { headers: { authorization: `Bearer ${token}` } }));
    if (!answer.ok) throw new Error(`export ${format}: ${answer.status} ${await answer.text()}`);
    for await (const _ of answer.body ?? []);
    rows += Number(answer.headers.get("audit-export-rows"));
    completes.push(answer.headers.get("audit-export-complete"));
    path = /^<(\?[^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return { format, rows, completes };
}

/** Asks again as long as it is told that others are being served, as clients do. */
async function whenThereIsRoom(ask: () => Promise<Response>): Promise<Response> {
  for (let attempt = 1;; attempt++) {
    const answer = await ask();
    const seconds = Number(answer.headers.get("retry-after"));
    if (answer.status !== 503 || seconds === 0 || attempt === 50) return answer;
    await answer.body?.cancel();
    await setTimeout(seconds * 1000);
  }
}

import { expect } from "vitest";
import type { DenoVersion } from "../../scripts/stack/deno-process.ts";
import type { Hosted } from "./hosted.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";

/** Boots every function that was uploaded on `denoVersion`, as hosted, and gives each what it is there for: a batch, a call of the schedule, a reader. */
export async function expectOneBatchThroughEach(hosted: Hosted, denoVersion: DenoVersion): Promise<void> {
  const booted = new Map(
    await Promise.all([...hosted.recorder.uploads.keys()].map(async (name) => [name, await hosted.boot(name, denoVersion)] as const)),
  );
  const ask = async (name: string, path: string, init: RequestInit = {}) => {
    const response = await fetch(`${booted.get(name)?.url}${path}`, { ...init, headers: { apikey: hosted.secretKey, "content-type": "application/json" } });
    const text = await response.text();
    return { status: response.status, text, printed: response.status >= 500 ? booted.get(name)?.stderr() : "" };
  };
  try {
    const events = [{ tenant_id: tenantId, event_type: "invoice.paid", object_type: "invoice", object_id: `invoice-${denoVersion}` }];
    const stored = await ask("audit-logger", "", { method: "POST", body: JSON.stringify({ events }) });
    expect(stored).toMatchObject({ status: 201 });
    expect(JSON.parse(stored.text)).toMatchObject({ created_count: 1, method: "edge" });
    for (const name of [...booted.keys()].filter((name) => !["audit-logger", "audit-api"].includes(name))) {
      expect(await ask(name, "", { method: "POST", body: "{}" }), name).toMatchObject({ status: 200 });
    }
    expect(await ask("audit-api", "/healthz")).toMatchObject({ status: 200 });
    expect(await ask("audit-api", "/api/v1/audit/events", { method: "POST", body: JSON.stringify({ events }) })).toMatchObject({ status: 201 });
    // A secret key posts and reads nothing.
    expect(await ask("audit-api", "/api/v1/audit/events")).toMatchObject({ status: 403 });
  } finally {
    await Promise.all([...booted.values()].map((running) => running.stop()));
  }
}

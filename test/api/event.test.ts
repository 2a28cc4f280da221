import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leafHashOf, leafOf } from "../../core/leaf.ts";
import type { AuditEvent } from "../../core/event.ts";
import { toHex } from "../../core/format/hex.ts";
import { sha256 } from "../../adapters/sha256.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

describe("GET /events/{id}", () => {
  let service: Service;
  let viewer: string;
  beforeAll(async () => {
    service = await startService();
    viewer = await tokenOf("viewer");
  });
  afterAll(() => service.stop());
  const read = (path: string, as = viewer) => service.ask(`/events/${path}`, { as });

  it("finds an event with a version-7 id by the id alone", async () => {
    const [stored] = await service.store(tenantA, [{ message: "here", context: { b: [1, { a: null }], a: "é" }, ip_address: "::ffff:10.0.0.1" }]);
    const { status, json } = await read(stored?.id ?? "");
    expect(status).toBe(200);
    const { leaf_hash, ...event } = (json as { readonly event: AuditEvent & { readonly leaf_hash: string } }).event;
    expect(event).toMatchObject({ id: stored?.id, message: "here", ip_address: "10.0.0.1" });
    expect(leaf_hash).toBe(stored?.leaf_hash);
    expect(toHex(leafHashOf(leafOf(event), sha256))).toBe(leaf_hash);
  });

  it("asks for the time of an event whose id does not hold it", async () => {
    const [stored] = await service.store(tenantA, [{ id: randomUUID(), occurred_at: new Date().toISOString() }]);
    const refused = await read(stored?.id ?? "");
    expect(refused).toMatchObject({ status: 400, json: { code: "at_required", errors: [{ pointer: "at" }] } });
    expect(await read(`${stored?.id.toUpperCase()}?at=${stored?.occurred_at}`)).toMatchObject({ status: 200, json: { event: { id: stored?.id } } });
  });

  it("follows the link of a list", async () => {
    await service.store(tenantA, [{ source: "links" }]);
    const { json } = await service.ask("/events?source=links", { as: viewer });
    const [item] = (json as { readonly events: readonly { readonly id: string; readonly href: string }[] }).events;
    const { pathname, search } = new URL(item?.href ?? "", "http://service/api/v1/audit/events?source=links");
    expect(await service.ask(`/${pathname}${search}`, { as: viewer })).toMatchObject({ status: 200, json: { event: { id: item?.id } } });
  });

  it("says that there is none, alike for an unknown id and for another tenant's", async () => {
    const [foreign] = await service.store(tenantB, [{ message: "canary" }]);
    const unknown = await read(`${foreign?.id.slice(0, -4)}0000`);
    const hidden = await read(foreign?.id ?? "");
    const { request_id: _, ...seen } = hidden.json as Record<string, unknown>;
    expect(unknown).toMatchObject({ status: 404, json: seen });
    expect(hidden.status).toBe(404);
  });

  it("tells that an id may hold another time than its event's", async () => {
    const occurred = new Date(Date.now() - 3_600_000).toISOString();
    const id = "01900000-0000-7000-8000-000000000001";
    await service.store(tenantA, [{ id, occurred_at: occurred }]);
    expect((await read(id)).json).toMatchObject({ code: "not_found", detail: expect.stringContaining("give at") });
    expect((await read(`${id}?at=${occurred.slice(0, 10)}`)).json).toMatchObject({ code: "not_found", detail: expect.stringContaining("to the millisecond") });
    const receipt = await service.ask(`/events/${id}/receipt`, { as: await tokenOf("auditor") });
    expect(receipt.json).toMatchObject({ code: "not_found", detail: expect.stringContaining("give at") });
    expect((await read(`${id}?at=${occurred}`)).status).toBe(200);
  });
});
